using System.Net;
using System.Text;
using System.Threading.Channels;
using Microsoft.Extensions.Time.Testing;
using MuxPro.Proxy.Dispatch;
using MuxPro.Proxy.Inbounds;
using MuxPro.Proxy.Outbounds;
using MuxPro.Proxy.Security;

namespace MuxPro.Proxy.Tests.Support;

/// <summary>An application, an inbound and origins, all in memory: the test says what the two ends send and sees what they get.</summary>
internal sealed class HttpConversation : IAsyncDisposable
{
    private readonly Link _application;
    private readonly CancellationTokenSource _retiring = new();
    private readonly Channel<Link> _origins = Channel.CreateUnbounded<Link>();
    private readonly List<Link> _farEnds = [];
    private readonly Rules _rules;
    private string? _user; // who asked last

    public HttpConversation(Users? users = null)
    {
        (_application, Link atInbound) = Link.CreatePair();
        var options = new InboundOptions { Tag = "in", Users = users ?? Users.None, TimeProvider = Time, Retiring = _retiring.Token };
        _rules = new Rules(this, new Origins(this));
        var inbound = new ProxyInbound(
            source =>
            {
                _user = source.User;
                return new RoutedDispatcher(_rules, source);
            },
            options,
            Log);
        Serving = inbound.ServeAsync(new Application(atInbound, null, new IPEndPoint(IPAddress.Loopback, 5000)), Cancel);
    }

    public FakeTimeProvider Time { get; } = new();

    public LogCollector Log { get; } = new();

    public Task Serving { get; }

    /// <summary>What was dispatched, and for whom.</summary>
    public List<(Destination Destination, string? User)> Dispatched { get; } = [];

    public Link Application => _application;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>Other rules count from now on.</summary>
    public void ReplaceRules() => _rules.Replace();

    public void Retire() => _retiring.Cancel();

    public Task SayAsync(string text) => SayAsync(_application, text);

    public Task<string> HearAsync(string end = "\r\n\r\n") => HearAsync(_application, end);

    /// <summary>What comes until the connection ends, in order.</summary>
    public Task<string> HearToEndAsync() => HearToEndAsync(_application);

    /// <summary>The next connection to an origin, at its other end.</summary>
    public ValueTask<Link> OriginAsync() => _origins.Reader.ReadAsync(Cancel);

    /// <summary>A request and its answer over a new connection to an origin.</summary>
    public async Task<Link> AskNewOriginAsync(string request, string answer)
    {
        await SayAsync(request);
        Link origin = await OriginAsync();
        await AnswerAsync(origin, answer);
        return origin;
    }

    /// <summary>The origin takes a request without a body, and its answer comes through.</summary>
    public async Task AnswerAsync(Link origin, string answer)
    {
        await HearAsync(origin);
        await SayAsync(origin, answer);
        string body = answer[(answer.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..];
        Assert.Contains("Via: 1.1 muxpro\r\n", await HearAsync("\r\n\r\n" + body), StringComparison.Ordinal);
    }

    public static async Task SayAsync(Link link, string text) => await link.AsStream().WriteAsync(Encoding.Latin1.GetBytes(text), Cancel);

    /// <summary>What comes, up to an end.</summary>
    public static async Task<string> HearAsync(Link link, string end = "\r\n\r\n")
    {
        var text = new StringBuilder();
        byte[] one = new byte[1];
        while (!text.ToString().EndsWith(end, StringComparison.Ordinal))
        {
            await link.AsStream().ReadExactlyAsync(one, Cancel);
            text.Append((char)one[0]);
        }

        return text.ToString();
    }

    public static async Task<string> HearToEndAsync(Link link)
    {
        using var reader = new StreamReader(link.AsStream(), Encoding.Latin1, leaveOpen: true);
        return await reader.ReadToEndAsync(Cancel);
    }

    public async ValueTask DisposeAsync()
    {
        await _application.DisposeAsync();

        // A test that failed may have left one without its answer.
        _farEnds.ForEach(static origin => origin.Abort());
        await Serving;
        Log.AssertNothingUnexpected();
        _retiring.Dispose();
    }

    private sealed class Origins(HttpConversation conversation) : Outbound("out", conversation.Time)
    {
        public override ValueTask<Link> DispatchAsync(Destination destination, byte priority, CancellationToken cancellationToken)
        {
            conversation.Dispatched.Add((destination, conversation._user));
            (Link near, Link far) = Link.CreatePair();
            conversation._farEnds.Add(far);
            conversation._origins.Writer.TryWrite(far);
            return ValueTask.FromResult(near);
        }

        public override ValueTask<DatagramLink> OpenFlowAsync(
            Destination first, DatagramOptions options, CancellationToken cancellationToken)
            => throw new NotSupportedException();

        protected override ValueTask CloseAsync() => ValueTask.CompletedTask;
    }

    /// <summary>Rules that may be replaced, by which everything takes one outbound.</summary>
    private sealed class Rules(HttpConversation conversation, Outbound outbound) : ISnapshots
    {
        private OneOutbound? _routes;

        public Snapshot Current => Routes.Current;

        public AccessLog AccessLog => Routes.AccessLog;

        public TimeProvider TimeProvider => conversation.Time;

        private OneOutbound Routes => _routes ??= new OneOutbound(outbound, conversation.Log, conversation.Time);

        public void Replace() => _routes = null;
    }
}
