namespace MuxPro.Proxy.Dispatch;

/// <summary>Has what counts now.</summary>
internal interface ISnapshots
{
    Snapshot Current { get; }

    AccessLog AccessLog { get; }

    TimeProvider TimeProvider { get; }
}
