using MuxPro.Proxy.Tests.Support;
using static MuxPro.Proxy.Tests.Support.HttpConversation;

namespace MuxPro.Proxy.Tests.Inbounds;

/// <summary>Responses of class 1xx: the switch to another protocol, such as WebSocket (RFC 9110 7.8), and hints.</summary>
public sealed class HttpInterimResponseTests
{
    private const int Guard = 60_000;
    private const string Get = "GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n";
    private const string Ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    private const string Upgrade
        = "GET ws://a.example/chat HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    private const string Switched = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

    [Theory(Timeout = Guard)]
    [InlineData("")]
    [InlineData("early")]
    public async Task Upgrade_BothWays_AndHalfClose(string early)
    {
        await using var conversation = new HttpConversation();
        await conversation.SayAsync(Upgrade + early);
        Link origin = await conversation.OriginAsync();
        string head = await HearAsync(origin);
        Assert.StartsWith("GET /chat HTTP/1.1\r\nHost: a.example\r\n", head, StringComparison.Ordinal);
        Assert.Contains("Upgrade: websocket\r\n", head, StringComparison.Ordinal);
        Assert.Contains("Connection: Upgrade\r\n", head, StringComparison.Ordinal);
        await SayAsync(origin, Switched + "hello");
        Assert.Contains("Upgrade: websocket\r\n", await conversation.HearAsync("hello"), StringComparison.Ordinal);
        await conversation.SayAsync("question");
        await conversation.Application.Output.CompleteAsync();
        Assert.Equal(early + "question", await HearToEndAsync(origin));

        // What the other end says after that still arrives, whenever it does.
        conversation.Time.Advance(TimeSpan.FromHours(1));
        await SayAsync(origin, "answer");
        await origin.Output.CompleteAsync();
        Assert.Equal("answer", await conversation.HearToEndAsync());
    }

    [Fact(Timeout = Guard)]
    public async Task Upgrade_Reset_Travels()
    {
        await using var conversation = new HttpConversation();
        await conversation.SayAsync(Upgrade);
        Link origin = await conversation.OriginAsync();
        await HearAsync(origin);
        await SayAsync(origin, Switched);
        await conversation.HearAsync();
        origin.Abort();
        await Assert.ThrowsAnyAsync<IOException>(conversation.HearToEndAsync);
    }

    [Fact(Timeout = Guard)]
    public async Task Upgrade_Declined_GoesOnAsBefore()
    {
        await using var conversation = new HttpConversation();
        Link origin = await conversation.AskNewOriginAsync(Upgrade, "HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n");
        await conversation.SayAsync(Get);
        await conversation.AnswerAsync(origin, Ok);
    }

    [Fact(Timeout = Guard)]
    public async Task SwitchThatNobodyAskedFor_Is502()
    {
        await using var conversation = new HttpConversation();
        await conversation.SayAsync(Get);
        Link origin = await conversation.OriginAsync();
        await HearAsync(origin);
        await SayAsync(origin, Switched);
        Assert.StartsWith("HTTP/1.1 502 ", await conversation.HearToEndAsync(), StringComparison.Ordinal);
    }

    [Theory(Timeout = Guard)]
    [InlineData("HTTP/1.1", 2)]
    [InlineData("HTTP/1.0", 1)]
    public async Task InterimResponse_GoesToThoseWhoKnowIt(string version, int heads)
    {
        await using var conversation = new HttpConversation();
        await conversation.SayAsync($"GET http://a.example/ {version}\r\nConnection: close\r\n\r\n");
        Link origin = await conversation.OriginAsync();
        await HearAsync(origin);
        await SayAsync(origin, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + Ok);
        Assert.Equal(heads, (await conversation.HearToEndAsync()).Split("HTTP/1.1 ").Length - 1);
    }
}
