using System.Globalization;
using System.Text;
using MuxPro.Proxy.Security;
using MuxPro.Proxy.Tests.Support;
using static MuxPro.Proxy.Tests.Support.HttpConversation;

namespace MuxPro.Proxy.Tests.Inbounds;

/// <summary>Plain HTTP requests that follow each other on one connection of an application.</summary>
public sealed class HttpProxyConnectionTests
{
    private const int Guard = 60_000;
    private const string Get = "GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n";
    private const string Post = "POST http://a.example/ HTTP/1.1\r\nHost: a.example\r\nContent-Length: 2\r\n\r\nhi";
    private const string Ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact(Timeout = Guard)]
    public async Task SameWay_BothConnectionsAreKept_OneAccessLine()
    {
        await using var conversation = new HttpConversation();
        Link origin = await conversation.AskNewOriginAsync(Get, Ok);
        await conversation.SayAsync("\r\n" + Get);
        await conversation.AnswerAsync(origin, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Trailer: y\r\n\r\n");
        await conversation.SayAsync(Get.Replace("GET", "HEAD", StringComparison.Ordinal));
        await conversation.AnswerAsync(origin, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
        Assert.Single(conversation.Dispatched);
        await conversation.Application.Output.CompleteAsync();
        Assert.Equal("", await conversation.HearToEndAsync());
        Assert.Equal("", await HearToEndAsync(origin));
        await conversation.Serving;
        Assert.Contains("tcp:a.example:80 -> out up ", await conversation.Log.WaitAsync(70), StringComparison.Ordinal);
        Assert.Single(conversation.Log.Entries, static entry => entry.Id == 70);
    }

    [Theory(Timeout = Guard)]
    [InlineData("GET http://b.example/ HTTP/1.1\r\nHost: b\r\n\r\n")]
    [InlineData("GET http://a.example:81/ HTTP/1.1\r\nHost: b\r\n\r\n")]
    public async Task OtherOrigin_OtherConnection(string request)
    {
        await using var conversation = new HttpConversation();
        Link first = await conversation.AskNewOriginAsync(Get, Ok);
        await conversation.AskNewOriginAsync(request, Ok);
        Assert.Equal("", await HearToEndAsync(first));
        Assert.Equal(2, conversation.Dispatched.Count);
    }

    [Fact(Timeout = Guard)]
    public async Task OtherUser_OtherConnection()
    {
        var users = new Users();
        Assert.True(users.TryAdd("anna:1") && users.TryAdd("bert:2"));
        await using var conversation = new HttpConversation(users);
        await conversation.AskNewOriginAsync(As("anna:1"), Ok);
        Link berts = await conversation.AskNewOriginAsync(As("bert:2"), Ok);
        await conversation.SayAsync(As("bert:2"));
        await conversation.AnswerAsync(berts, Ok);
        Assert.Equal(["anna", "bert"], conversation.Dispatched.Select(static asked => asked.User));

        static string As(string user)
        {
            string field = $"\r\nProxy-Authorization: Basic {Convert.ToBase64String(Encoding.ASCII.GetBytes(user))}\r\n\r\n";
            return Get.Replace("\r\n\r\n", field, StringComparison.Ordinal);
        }
    }

    [Fact(Timeout = Guard)]
    public async Task OtherRules_OtherConnection()
    {
        await using var conversation = new HttpConversation();
        await conversation.AskNewOriginAsync(Get, Ok);
        conversation.ReplaceRules();
        Link next = await conversation.AskNewOriginAsync(Get, Ok);
        await conversation.SayAsync(Get);
        await conversation.AnswerAsync(next, Ok);
        Assert.Equal(2, conversation.Dispatched.Count);
    }

    [Fact(Timeout = Guard)]
    public async Task RequestThatIsNotRepeatable_TakesANewConnection()
    {
        await using var conversation = new HttpConversation();
        Link first = await conversation.AskNewOriginAsync(Get, Ok);
        await conversation.SayAsync(Post);
        Assert.Equal("", await HearToEndAsync(first));
        Link second = await conversation.OriginAsync();
        await HearAsync(second, "hi");
        await SayAsync(second, Ok);
        await conversation.HearAsync("ok");
        await conversation.SayAsync(Get);
        await conversation.AnswerAsync(second, Ok);
        Assert.Equal(2, conversation.Dispatched.Count);
    }

    [Theory(Timeout = Guard)]
    [InlineData("")]
    [InlineData("HTTP/1.1 408 Request Timeout\r\n\r\n")]
    public async Task OriginEndsWhileItRests_LineIsWrittenThen_AndItIsConnectedAgain(string lastWord)
    {
        await using var conversation = new HttpConversation();
        Link first = await conversation.AskNewOriginAsync(Get, Ok);
        await SayAsync(first, lastWord);
        await first.Output.CompleteAsync();
        await conversation.Log.WaitAsync(70);
        await conversation.AskNewOriginAsync(Get, Ok);
        Assert.Equal(2, conversation.Dispatched.Count);
    }

    [Fact(Timeout = Guard)]
    public async Task OriginEndsWhenItIsAskedAgain_RequestIsRepeated()
    {
        await using var conversation = new HttpConversation();
        Link first = await conversation.AskNewOriginAsync(Get, Ok);
        await conversation.SayAsync(Get);
        await HearAsync(first);
        await first.Output.CompleteAsync();
        await conversation.AnswerAsync(await conversation.OriginAsync(), Ok);
        Assert.Equal(2, conversation.Dispatched.Count);
    }

    [Theory(Timeout = Guard)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")]
    [InlineData("HTTP/1.1 204 No Content\r\nConnection: x, close\r\n\r\n")]
    public async Task OriginCloses_ApplicationIsKept(string answer)
    {
        await using var conversation = new HttpConversation();
        await conversation.AskNewOriginAsync(Get, answer);
        await conversation.AskNewOriginAsync(Get, Ok);
    }

    [Theory(Timeout = Guard)]
    [InlineData("GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n", Ok, "ok")]
    [InlineData("GET http://a.example/ HTTP/1.0\r\n\r\n", Ok, "ok")]
    [InlineData(Get, "HTTP/1.1 200 OK\r\n\r\nto the end", "to the end")]
    [InlineData(Get, "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok")]
    public async Task OneOfThemIsTheLast_BothEnd(string request, string answer, string body)
    {
        await using var conversation = new HttpConversation();
        await conversation.SayAsync(request);
        Link origin = await conversation.OriginAsync();
        await HearAsync(origin);
        await SayAsync(origin, answer);
        await origin.Output.CompleteAsync();
        string got = await conversation.HearToEndAsync();
        Assert.Contains("Connection: close\r\n", got, StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\n" + body, got, StringComparison.Ordinal);
        Assert.Equal("", await HearToEndAsync(origin));
    }

    [Theory(Timeout = Guard)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nabc", false)]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc", false)]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc", false)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nabc", true)]
    public async Task OriginCutsItsAnswer_AllOfItArrives_ThenTheEnd(string answer, bool isReset)
    {
        await using var conversation = new HttpConversation();
        await conversation.SayAsync(Get);
        Link origin = await conversation.OriginAsync();
        await HearAsync(origin);
        await SayAsync(origin, answer);
        string got = await conversation.HearAsync("abc");
        if (isReset)
        {
            origin.Abort();
        }
        else
        {
            await origin.Output.CompleteAsync();
        }

        Assert.Equal("", await conversation.HearToEndAsync());
        Assert.DoesNotContain("Connection: close", got, StringComparison.Ordinal);
    }

    [Fact(Timeout = Guard)]
    public async Task AnswerThatEndsWithTheConnection_Cut_IsReset()
    {
        await using var conversation = new HttpConversation();
        await conversation.SayAsync(Get);
        Link origin = await conversation.OriginAsync();
        await HearAsync(origin);
        await SayAsync(origin, "HTTP/1.1 200 OK\r\n\r\nabc");
        await conversation.HearAsync("abc");
        origin.Abort();
        await Assert.ThrowsAnyAsync<IOException>(conversation.HearToEndAsync);
    }

    [Fact(Timeout = Guard)]
    public async Task EarlyAnswer_ArrivesAndIsTheLast()
    {
        await using var conversation = new HttpConversation();
        await conversation.SayAsync(Post.Replace("Content-Length: 2", "Content-Length: 2000000", StringComparison.Ordinal));
        Link origin = await conversation.OriginAsync();
        await HearAsync(origin);
        await SayAsync(origin, "HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig");
        string got = await conversation.HearToEndAsync();
        Assert.StartsWith("HTTP/1.1 413 Too Large\r\n", got, StringComparison.Ordinal);
        Assert.EndsWith("Connection: close\r\n\r\nbig", got, StringComparison.Ordinal);
    }

    [Fact(Timeout = Guard)]
    public async Task Pipelined_AreAnsweredInOrder()
    {
        await using var conversation = new HttpConversation();
        await conversation.SayAsync(Get + Get.Replace("a.example", "b.example", StringComparison.Ordinal) + Get);
        foreach (string host in (string[])["a", "b", "a"])
        {
            await conversation.AnswerAsync(await conversation.OriginAsync(), $"HTTP/1.1 200 {host}\r\nContent-Length: 1\r\n\r\n{host}");
        }

        Assert.Equal(["a.example", "b.example", "a.example"], conversation.Dispatched.Select(static asked => asked.Destination.Host));
    }

    [Theory(Timeout = Guard)]
    [InlineData("", null)]
    [InlineData("GET http://a.ex", 23)]
    public async Task NoMoreRequest_EndsInTime(string begun, int? logged)
    {
        await using var conversation = new HttpConversation();
        await conversation.AskNewOriginAsync(Get, Ok);
        await conversation.SayAsync(begun);
        Task<string> end = conversation.HearToEndAsync();
        while (!end.IsCompleted)
        {
            Cancel.ThrowIfCancellationRequested();
            conversation.Time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        Assert.Equal("", await end);
        if (logged is { } id)
        {
            Assert.Contains(10.ToString(CultureInfo.InvariantCulture), await conversation.Log.WaitAsync(id), StringComparison.Ordinal);
        }
    }

    [Fact(Timeout = Guard)]
    public async Task NoMoreRequest_OriginIsLetGo()
    {
        await using var conversation = new HttpConversation();
        Link origin = await conversation.AskNewOriginAsync(Get, Ok);
        Task<string> end = HearToEndAsync(origin);
        while (!end.IsCompleted)
        {
            Cancel.ThrowIfCancellationRequested();
            conversation.Time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        Assert.Equal("", await end);
        Assert.InRange(conversation.Time.GetUtcNow() - conversation.Time.Start, TimeSpan.FromSeconds(15), TimeSpan.MaxValue);
    }

    [Fact(Timeout = Guard)]
    public async Task Retiring_EndsThoseThatRest()
    {
        await using var conversation = new HttpConversation();
        Link origin = await conversation.AskNewOriginAsync(Get, Ok);
        conversation.Retire();
        Assert.Equal("", await conversation.HearToEndAsync());
        await conversation.Application.Output.CompleteAsync();
        Assert.Equal("", await HearToEndAsync(origin));
    }

    [Fact(Timeout = Guard)]
    public async Task Retiring_LetsTheAnswerFinish()
    {
        await using var conversation = new HttpConversation();
        await conversation.SayAsync(Get);
        Link origin = await conversation.OriginAsync();
        await HearAsync(origin);
        conversation.Retire();
        await SayAsync(origin, Ok);
        string got = await conversation.HearToEndAsync();
        Assert.EndsWith("Connection: close\r\n\r\nok", got, StringComparison.Ordinal);
    }
}
