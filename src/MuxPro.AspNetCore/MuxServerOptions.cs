namespace MuxPro.AspNetCore;

/// <summary>
/// Settings of the server that <c>AddMuxServer</c> registers. Values that break a rule stop the host when it starts, and the message names
/// them.
/// </summary>
public sealed class MuxServerOptions : MuxConnectionOptions
{
    private static readonly MuxOptions Defaults = new();

    /// <inheritdoc cref="MuxOptions.DispatchTimeout"/>
    public TimeSpan DispatchTimeout { get; set; } = Defaults.DispatchTimeout;

    /// <inheritdoc cref="MuxOptions.MaxSessions"/>
    public int MaxSessions { get; set; } = Defaults.MaxSessions;

    /// <inheritdoc cref="MuxOptions.HighestPriority"/>
    public byte HighestPriority { get; set; } = Defaults.HighestPriority;

    /// <summary>How long sub-connections may go on when the host stops; what is open then is cut.</summary>
    /// <value>The default value is 10 seconds. The host's own <c>ShutdownTimeout</c>, 30 seconds, is the limit of everything.</value>
    public TimeSpan DrainTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>What reaches the destinations that no <see cref="MuxEndPoint"/> takes.</summary>
    internal IDispatcher? Dispatcher { get; private set; }

    /// <summary>
    /// Sends the sub-connections that no <see cref="MuxEndPoint"/> takes on: to a <see cref="DirectDispatcher"/>, a client of another
    /// server, a router of your own. Without, they are refused with <see cref="ErrorCode.ProxyRejected"/>.
    /// </summary>
    /// <param name="dispatcher">Reaches the destinations.</param>
    public void UseDispatcher(IDispatcher dispatcher)
    {
        ArgumentNullException.ThrowIfNull(dispatcher);
        Dispatcher = dispatcher;
    }

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
