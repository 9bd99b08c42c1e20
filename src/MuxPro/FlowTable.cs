namespace MuxPro;

/// <summary>
/// The flows of datagrams that have a GlobalID (SPEC 7.2): a sub-connection with a known one takes over the flow of the earlier one, up to 60 s after that was
/// lost. Safe to use from many threads.
/// </summary>
public sealed class FlowTable
{
}
