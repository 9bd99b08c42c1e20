namespace MuxPro.Core;

/// <summary>
/// Whether the other end of a main connection is alive, and what this end does to find out and to show that it is: the deadlines of the
/// negotiation and of
/// an orderly close, the silence of the other host, a send that does not move, the ping and the KeepAlive. It is told what happens, and
/// asked at each tick
/// of a clock. All times are timestamps.
/// </summary>
/// <remarks>Not thread-safe but for <see cref="OnReceived"/>, which one thread may call at any time, and <see cref="RoundTrip"/>.</remarks>
internal sealed class PeerWatch
{
    /// <summary>The longest time between two calls of <see cref="Decide"/>.</summary>
    public static readonly TimeSpan LongestTick = TimeSpan.FromSeconds(0.5);

    // How long the last bytes may take when this end closes in order, and how long the other end may take to close too.
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(2);

    // A drain does not wait for long for an other end that keeps open what nobody here reads any more.
    private static readonly TimeSpan DrainLinger = TimeSpan.FromSeconds(1);

    private readonly PeerTimeouts _timeouts;
    private readonly long _frequency;
    private readonly long _started;
    private KeepAlive _keepAlive;
    private SendProgress _send;
    private HostSilence _silence;
    private Ping _ping;
    private long _roundTrip;
    private bool _kernelMeasures; // the round-trip time
    private long _lastReceived;
    private long _lastTick;
    private long _awake; // since when the clock has been running without a gap
    private long? _closeDeadline;

    /// <summary>Begins to watch.</summary>
    /// <param name="timeouts">How long the other end may take for what.</param>
    /// <param name="frequency">Timestamps in a second.</param>
    /// <param name="now">A timestamp.</param>
    public PeerWatch(in PeerTimeouts timeouts, long frequency, long now)
    {
        _timeouts = timeouts;
        _frequency = frequency;
        _started = _lastTick = now;
        _keepAlive = new KeepAlive(ToTimestamps(timeouts.KeepAliveInterval), now);
        _send = new SendProgress(ToTimestamps(timeouts.Write));
        _silence = new HostSilence(ToTimestamps(timeouts.Silence), frequency, now);
        _ping = new Ping(ToTimestamps(timeouts.PingInterval), ToTimestamps(timeouts.Ping));
    }

    /// <summary>The round-trip time, or 0 while it is not known.</summary>
    public long RoundTrip => Volatile.Read(ref _roundTrip);

    /// <summary>Whether a send is under way.</summary>
    public bool IsSending => _send.IsUnderWay;

    /// <summary>A send starts.</summary>
    public void OnSending(long now)
    {
        _send.Start(now);
        _keepAlive.OnSent(now);
    }

    /// <summary>The send is done, or has failed.</summary>
    public void OnSent() => _send.Stop();

    /// <summary>Bytes have come.</summary>
    public void OnReceived(long now) => Volatile.Write(ref _lastReceived, now);

    /// <summary>A ping goes out.</summary>
    /// <returns>Its token.</returns>
    public ulong OnPing(long now) => _ping.Start(now);

    /// <summary>A pong has come; one that nobody asked for means nothing.</summary>
    public void OnPong(long now, ulong token)
    {
        if (_ping.Stop(now, token) is { } taken && !_kernelMeasures)
        {
            // 0 is not known, and the answer of a near host takes less than a coarse clock counts.
            Volatile.Write(ref _roundTrip, Math.Max(1, taken));
        }
    }

    /// <summary>The other end has answered the negotiation.</summary>
    /// <param name="taken">After so many timestamps.</param>
    public void OnNegotiated(long taken) => Volatile.Write(ref _roundTrip, taken);

    /// <summary>Takes the kernel's round-trip time, where it has one: it is better than ours.</summary>
    public void Measure(in TcpFigures figures)
    {
        if (figures.RoundTripTime > TimeSpan.Zero)
        {
            _kernelMeasures = true;
            Volatile.Write(ref _roundTrip, ToTimestamps(figures.RoundTripTime));
        }
    }

    /// <summary>An orderly close begins.</summary>
    public void OnClosing(long now) => _closeDeadline = now + ToTimestamps(CloseTimeout);

    /// <summary>Decides what is to be done now.</summary>
    /// <param name="now">A timestamp.</param>
    /// <param name="figures">What is known otherwise.</param>
    public PeerVerdict Decide(long now, in PeerFigures figures)
    {
        // A process that was stopped, or had no processor, has not looked at what came meanwhile.
        if (now - _lastTick > 3 * ToTimestamps(LongestTick))
        {
            _awake = now;
        }

        _lastTick = now;
        Measure(figures.Tcp);
        bool isSilent = _silence.Look(now, figures.Tcp);
        bool isStuck = _send.Look(now, figures.BytesTaken);
        long heard = Math.Max(Volatile.Read(ref _lastReceived), _awake);

        // SPEC 5: no answer within the handshake timeout closes the main connection.
        if (!figures.IsNegotiated && now - _started >= ToTimestamps(_timeouts.Handshake))
        {
            return Fail(
                MainConnectionEnd.NegotiationFailed, $"The other end did not negotiate within {_timeouts.Handshake.TotalSeconds} s.");
        }

        if (figures.Takes == LifeSign.Ping && _ping.IsOverdue(now, heard))
        {
            return Fail(MainConnectionEnd.Timeout, $"The other end answered no ping for {_timeouts.Ping.TotalSeconds} s.");
        }

        if (isSilent)
        {
            return Fail(MainConnectionEnd.Timeout, $"The other end's host acknowledged nothing for {_timeouts.Silence.TotalSeconds} s.");
        }

        if (isStuck)
        {
            return Fail(MainConnectionEnd.Timeout, $"The other end took no bytes for {_timeouts.Write.TotalSeconds} s.");
        }

        if (now >= _closeDeadline)
        {
            return new PeerVerdict(PeerAction.Close);
        }

        return new PeerVerdict(figures.Takes switch
        {
            // In the private version the sign of life asks for one.
            LifeSign.Ping when _ping.IsDue(now, heard, figures.HasSessions, RoundTrip != 0) => PeerAction.Ping,
            LifeSign.Ping when _keepAlive.IsDue(now) && !_ping.IsUnderWay => PeerAction.Ping,
            LifeSign.KeepAlive when _keepAlive.IsDue(now) => PeerAction.KeepAlive,
            _ => PeerAction.Nothing,
        });
    }

    /// <summary>
    /// SPEC 6.3.4: after its own End an end goes on delivering what comes for as long as bytes come, and for a time without one.
    /// </summary>
    /// <param name="now">A timestamp.</param>
    /// <param name="last">When the last byte came on the sub-connection, or its End went out, or its application was found not to have
    /// read.</param>
    /// <param name="patience">How long this end waits.</param>
    /// <returns>Whether the other end is late.</returns>
    public bool IsLate(long now, long last, Patience patience) => now - last >= ToTimestamps(patience switch
    {
        Patience.Long => _timeouts.Linger,
        Patience.Short => _timeouts.LingerBefore,
        _ => DrainLinger,
    });

    private static PeerVerdict Fail(MainConnectionEnd reason, string message) => new(PeerAction.Fail, reason, message);

    private long ToTimestamps(TimeSpan time) => Timestamps.From(time, _frequency);
}
