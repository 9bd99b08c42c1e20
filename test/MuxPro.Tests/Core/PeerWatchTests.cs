using MuxPro.Core;

namespace MuxPro.Tests.Core;

/// <summary>Whether the other end is alive: each decision at its boundary.</summary>
public sealed class PeerWatchTests
{
    internal const long Second = 1_000;
    internal const long Tick = Second / 2;
    internal const long Start = 100 * Second;

    private static readonly PeerTimeouts Timeouts = new(
        Handshake: TimeSpan.FromSeconds(10), Silence: TimeSpan.FromSeconds(4), Write: TimeSpan.FromSeconds(30),
        PingInterval: TimeSpan.FromSeconds(3),
        Ping: TimeSpan.FromSeconds(10), KeepAliveInterval: TimeSpan.FromSeconds(30), Linger: TimeSpan.FromHours(1),
        LingerBefore: TimeSpan.FromSeconds(30));

    internal static readonly PeerFigures Idle = new(default, BytesTaken: 0, IsNegotiated: true, LifeSign.None, HasSessions: true);

    [Fact]
    public void Negotiation_HasItsTimeAndNoMore()
    {
        PeerWatch watch = Watch();
        PeerFigures figures = Idle with { IsNegotiated = false };
        Assert.Equal(PeerAction.Nothing, watch.Decide(Start + (10 * Second) - 1, figures).Action);
        PeerVerdict verdict = watch.Decide(Start + (10 * Second), figures);
        Assert.Equal((PeerAction.Fail, MainConnectionEnd.NegotiationFailed), (verdict.Action, verdict.Reason));
        Assert.Contains("10 s", verdict.Message, StringComparison.Ordinal);
        Assert.Equal(PeerAction.Nothing, watch.Decide(Start + (11 * Second), Idle).Action);
    }

    [Theory]
    [InlineData(2, 3_999, nameof(PeerAction.Nothing), "not silent for long enough")]
    [InlineData(2, 4_000, nameof(PeerAction.Fail), "asked twice, silent for the limit")]
    [InlineData(1, 60_000, nameof(PeerAction.Nothing), "asked once: that may be lost")]
    public void Host_ThatAnswersNoProbe_IsGone(int probes, int silence, string expected, string why)
    {
        PeerWatch watch = Watch();
        PeerAction last = Run(watch, Start, 6 * Second, _ => Idle with { Tcp = Tcp(silence, probes: probes) });
        Assert.True(expected == last.ToString(), why);
    }

    [Fact]
    public void Host_ThatWasAskedLate_HasThreeQuartersOfTheLimitFromThen()
    {
        PeerWatch watch = Watch();
        Assert.Equal(PeerAction.Nothing, watch.Decide(Start + Second, Idle with { Tcp = Tcp(60_000) }).Action);
        PeerFigures asked = Idle with { Tcp = Tcp(60_000, retransmissions: 2) };
        Assert.Equal(PeerAction.Nothing, watch.Decide(Start + (4 * Second) - 1, asked).Action);
        PeerVerdict verdict = watch.Decide(Start + (4 * Second), asked);
        Assert.Equal((PeerAction.Fail, MainConnectionEnd.Timeout), (verdict.Action, verdict.Reason));
        Assert.Contains("acknowledged nothing", verdict.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Host_ThatAcknowledged_HasAnsweredWhatWasSentAgain()
    {
        PeerWatch watch = Watch();
        Assert.Equal(PeerAction.Nothing, watch.Decide(Start + Tick, Idle with { Tcp = Tcp(100, retransmissions: 50) }).Action);
        PeerAction last = Run(watch, Start + Tick, 20 * Second, passed => Idle with { Tcp = Tcp((int)passed + 100, retransmissions: 51) });
        Assert.Equal(PeerAction.Nothing, last);
    }

    [Fact]
    public void Send_ThatMoves_MayTakeForEver_AndOneThatStopsHasTheLimit()
    {
        PeerWatch watch = Watch();
        watch.OnSending(Start);
        Assert.True(watch.IsSending);
        long taken = 0;
        PeerAction moving = Run(watch, Start, 100 * Second, passed => Idle with { BytesTaken = taken = passed / (20 * Second) });
        Assert.Equal(PeerAction.Nothing, moving);
        Assert.Equal(PeerAction.Nothing, watch.Decide(Start + (130 * Second) - 1, Idle with { BytesTaken = taken }).Action);
        PeerVerdict verdict = watch.Decide(Start + (130 * Second), Idle with { BytesTaken = taken });
        Assert.Equal((PeerAction.Fail, MainConnectionEnd.Timeout), (verdict.Action, verdict.Reason));
        Assert.Contains("took no bytes", verdict.Message, StringComparison.Ordinal);
        watch.OnSent();
        Assert.False(watch.IsSending);
        Assert.Equal(PeerAction.Nothing, watch.Decide(Start + (200 * Second), Idle with { BytesTaken = taken }).Action);
    }

    [Fact]
    public void Ping_AsksAQuietOtherEnd_AndFailsOneThatOwesTheAnswer()
    {
        PeerWatch watch = Watch();
        watch.OnNegotiated(1);
        watch.OnReceived(Start);
        PeerFigures figures = Idle with { Takes = LifeSign.Ping };
        Assert.Equal(PeerAction.Nothing, Run(watch, Start, (3 * Second) - Tick, _ => figures));
        Assert.Equal(PeerAction.Nothing, watch.Decide(Start + (3 * Second), figures with { HasSessions = false }).Action);
        Assert.Equal(PeerAction.Ping, watch.Decide(Start + (3 * Second), figures).Action);
        watch.OnPing(Start + (3 * Second));
        Assert.Equal(PeerAction.Nothing, Run(watch, Start + (3 * Second), (10 * Second) - Tick, _ => figures));
        Assert.Equal(PeerAction.Nothing, watch.Decide(Start + (13 * Second) - 1, figures).Action);
        PeerVerdict verdict = watch.Decide(Start + (13 * Second), figures);
        Assert.Equal((PeerAction.Fail, MainConnectionEnd.Timeout), (verdict.Action, verdict.Reason));
        Assert.Contains("ping", verdict.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Ping_AsksForADistanceThatIsNotKnown_AndOnlyItsOwnAnswerTellsIt()
    {
        PeerWatch watch = Watch();
        PeerFigures figures = Idle with { Takes = LifeSign.Ping, HasSessions = false };
        Assert.Equal(PeerAction.Ping, watch.Decide(Start + Tick, figures).Action);
        ulong token = watch.OnPing(Start + Tick);
        watch.OnPong(Start + Tick + 7, token + 1);
        Assert.Equal(0, watch.RoundTrip);
        watch.OnPong(Start + Tick + 7, token);
        Assert.Equal(7, watch.RoundTrip);
        watch.OnPong(Start + Tick + 9, token);
        Assert.Equal(7, watch.RoundTrip);
        watch.Measure(new TcpFigures { RoundTripTime = TimeSpan.FromMilliseconds(5) });
        watch.OnPong(Start + Second + 9, watch.OnPing(Start + Second));
        Assert.Equal(5, watch.RoundTrip);
    }

    [Fact]
    public void Process_ThatSlept_LooksFirstAtWhatCame()
    {
        PeerWatch watch = Watch();
        watch.OnNegotiated(1);
        PeerFigures figures = Idle with { Takes = LifeSign.Ping };
        watch.OnPing(Start);
        long woken = Start + (3600 * Second);
        Assert.Equal(PeerAction.Nothing, watch.Decide(woken, figures).Action);
        Assert.Equal(PeerAction.Nothing, Run(watch, woken, (10 * Second) - Tick, _ => figures));
        Assert.Equal(PeerAction.Fail, watch.Decide(woken + (10 * Second), figures).Action);
    }

    [Theory]
    [InlineData(nameof(LifeSign.None), nameof(PeerAction.Nothing))]
    [InlineData(nameof(LifeSign.KeepAlive), nameof(PeerAction.KeepAlive))]
    [InlineData(nameof(LifeSign.Ping), nameof(PeerAction.Ping))]
    public void SignOfLife_IsWhatTheOtherEndTakes_AfterTheInterval(string takes, string expected)
    {
        PeerWatch watch = Watch();
        watch.OnNegotiated(1);
        watch.OnSending(Start + 5);
        watch.OnSent();
        PeerFigures figures = Idle with { Takes = Enum.Parse<LifeSign>(takes), HasSessions = false };
        Assert.Equal(PeerAction.Nothing, watch.Decide(Start + 4 + (30 * Second), figures).Action);
        Assert.Equal(Enum.Parse<PeerAction>(expected), watch.Decide(Start + 5 + (30 * Second), figures).Action);
    }

    [Fact]
    public void Close_HasTwoSeconds()
    {
        PeerWatch watch = Watch();
        watch.OnClosing(Start + 5);
        Assert.Equal(PeerAction.Nothing, watch.Decide(Start + 4 + (2 * Second), Idle).Action);
        Assert.Equal(PeerAction.Close, watch.Decide(Start + 5 + (2 * Second), Idle).Action);
    }

    [Theory]
    [InlineData(3_599_999, Patience.Long, false)]
    [InlineData(3_600_000, Patience.Long, true)]
    [InlineData(29_999, Patience.Short, false)]
    [InlineData(30_000, Patience.Short, true)]
    [InlineData(999, Patience.None, false)]
    [InlineData(1_000, Patience.None, true)]
    public void Linger_IsAsLongAsThePatience(long quiet, object patience, bool isLate)
        => Assert.Equal(isLate, Watch().IsLate(Start + quiet, Start, (Patience)patience));

    [Fact]
    public void InfiniteTimeouts_NeverFailAndNeverAsk()
    {
        TimeSpan never = Timeout.InfiniteTimeSpan;
        PeerTimeouts timeouts = Timeouts with { Silence = never, Write = never, PingInterval = never, KeepAliveInterval = never };
        var watch = new PeerWatch(timeouts, Second, Start);
        watch.OnSending(Start);
        PeerFigures figures = Idle with { Takes = LifeSign.Ping };
        Assert.Equal(PeerAction.Nothing, Run(watch, Start, 1000 * Second, passed => figures with { Tcp = Tcp((int)passed, probes: 9) }));
    }

    internal static PeerWatch Watch() => new(Timeouts, Second, Start);

    private static TcpFigures Tcp(int silence, int probes = 0, int retransmissions = 0) => new()
    {
        SinceAcknowledgement = TimeSpan.FromMilliseconds(silence),
        Probes = probes,
        Retransmissions = retransmissions,
    };

    /// <summary>Tick by tick, until something is decided or the time is over.</summary>
    private static PeerAction Run(PeerWatch watch, long from, long time, Func<long, PeerFigures> figures)
    {
        var action = PeerAction.Nothing;
        for (long passed = Tick; passed <= time && action == PeerAction.Nothing; passed += Tick)
        {
            action = watch.Decide(from + passed, figures(passed)).Action;
        }

        return action;
    }
}
