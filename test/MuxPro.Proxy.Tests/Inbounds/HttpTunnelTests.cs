using MuxPro.Proxy.Tests.Support;
using static MuxPro.Proxy.Tests.Support.HttpConversation;

namespace MuxPro.Proxy.Tests.Inbounds;

/// <summary>Tunnels that follow plain HTTP requests on one connection of an application.</summary>
public sealed class HttpTunnelTests
{
    private const int Guard = 60_000;
    private const string Get = "GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n";
    private const string Ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

    [Fact(Timeout = Guard)]
    public async Task Connect_AfterAPlainRequest_IsATunnel()
    {
        await using var conversation = new HttpConversation();
        Link first = await conversation.AskNewOriginAsync(Get, Ok);
        await conversation.SayAsync("CONNECT b.example:443 HTTP/1.1\r\nHost: b.example:443\r\n\r\nhello");
        Link target = await conversation.OriginAsync();
        Assert.Equal("hello", await HearAsync(target, "hello"));
        Assert.Equal("", await HearToEndAsync(first));
        await conversation.HearAsync();
        await target.Output.CompleteAsync();
        Assert.Equal("", await conversation.HearToEndAsync());
    }

    /// <summary>The end of an application is watched for while it is answered: what that reads belongs to what follows.</summary>
    [Theory(Timeout = Guard)]
    [InlineData("")]
    [InlineData("early ")]
    public async Task Connect_BeforeThePlainAnswer_IsATunnel_AndLosesNothing(string early)
    {
        await using var conversation = new HttpConversation();
        await conversation.SayAsync(Get);
        Link origin = await conversation.OriginAsync();
        await HearAsync(origin);
        await conversation.SayAsync("CONNECT b.example:443 HTTP/1.1\r\nHost: b.example:443\r\n\r\n" + early);
        await SayAsync(origin, Ok);
        await conversation.HearAsync("ok");
        Link target = await conversation.OriginAsync();
        Assert.StartsWith("HTTP/1.1 200", await conversation.HearAsync(), StringComparison.Ordinal);
        await conversation.SayAsync("late");
        await HearAsync(target, early + "late");
        await SayAsync(target, "answer");
        await conversation.HearAsync("answer");
        await conversation.Application.Output.CompleteAsync();
        Assert.Equal("", await HearToEndAsync(target));
        await target.Output.CompleteAsync();
        Assert.Equal("", await conversation.HearToEndAsync());
    }
}
