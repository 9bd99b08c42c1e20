namespace MuxPro.Proxy.Outbounds;

/// <summary>A dispatcher that chooses among outbounds.</summary>
internal interface IRoutes
{
    /// <summary>A stream that was dispatched, or tried, has ended.</summary>
    /// <param name="destination">The same object that was asked for.</param>
    /// <returns>The tag of the outbound that it took, or <see langword="null"/> where it took none.</returns>
    string? End(Destination destination);
}
