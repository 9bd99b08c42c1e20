namespace MuxPro.AspNetCore;

/// <summary>Settings of the server that <c>AddMuxServer</c> registers. Values that break a rule stop the host when it starts, and the message names them.</summary>
public sealed class MuxServerOptions : MuxConnectionOptions
{
    private static readonly MuxOptions Defaults = new();

    /// <summary>
    /// Reaches the destinations that no <see cref="MuxEndPoint"/> takes: <see cref="DirectDispatcher"/>, a client of another server, a router of your own.
    /// </summary>
    /// <value>The default value is <see langword="null"/>: such sub-connections are refused with <see cref="ErrorCode.ProxyRejected"/>.</value>
    public IDispatcher? Dispatcher { get; set; }

    /// <inheritdoc cref="MuxOptions.DispatchTimeout"/>
    public TimeSpan DispatchTimeout { get; set; } = Defaults.DispatchTimeout;

    /// <inheritdoc cref="MuxOptions.MaxSessions"/>
    public int MaxSessions { get; set; } = Defaults.MaxSessions;

    /// <inheritdoc cref="MuxOptions.HighestPriority"/>
    public byte HighestPriority { get; set; } = Defaults.HighestPriority;

    /// <summary>How long sub-connections may go on when the host stops; what is open then is cut.</summary>
    /// <value>The default value is 10 seconds. The host's own <c>ShutdownTimeout</c>, 30 seconds, is the limit of everything.</value>
    public TimeSpan DrainTimeout { get; set; } = TimeSpan.FromSeconds(10);

    private protected override MuxOptions ApplyOwn(MuxOptions options, List<string> failures)
    {
        if (DrainTimeout < TimeSpan.Zero)
        {
            failures.Add($"{nameof(DrainTimeout)} ('{DrainTimeout}') must not be negative.");
        }

        options = Try(options, DispatchTimeout, static (mux, value) => mux with { DispatchTimeout = value }, failures);
        options = Try(options, MaxSessions, static (mux, value) => mux with { MaxSessions = value }, failures);
        return options with { HighestPriority = HighestPriority };
    }
}
