using MuxPro.Protocol;
using MuxPro.Tests.Support;

namespace MuxPro.Tests.Engine;

/// <summary>A client that sends what the prototype sends, right or wrong, is served, and leaves its neighbours alone.</summary>
public sealed class PrototypeClientTests
{
    [Fact]
    public async Task Client_GivesUpBeforeItSentNew_DoubledEndOfAnUnknownId_IsIgnored()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAsync();
        await server.Peer.SendAsync(Raw.BareEnd(1), Raw.BareEnd(1), Raw.New(2, "echo:7", "x"));
        await server.Peer.ExpectKeepAsync(2, "x");
        await server.ExpectNothingAsync();
    }

    [Fact]
    public async Task Client_Resets_DoubledEndAndDataOfOthersBehind_KeepsTheBoundary()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAsync();
        Link target = await server.OpenAsync(1, "x");
        await server.Peer.SendAsync(
            Raw.BareEnd(1), Raw.BareEnd(1), Raw.Keep(ServerUnderTest.Neighbour, "a"), Raw.BareEnd(1),
            Raw.Credit(ServerUnderTest.Neighbour, 65536),
            Raw.BareEnd(1), Raw.End(1), Raw.BareEnd(1), Raw.New(2, "echo:7", "b"));
        await server.Peer.ExpectEndAsync(1);
        await target.ExpectResetAsync();
        ScriptFrame[] answers = [await server.Peer.ReceiveAsync(), await server.Peer.ReceiveAsync()];
        Assert.Equal(
            ["Keep 2 'b'", $"Keep {ServerUnderTest.Neighbour} 'a'"],
            answers.Select(frame => frame.ToString()).Order(StringComparer.Ordinal));
        await server.ExpectNothingAsync();
    }

    [Fact]
    public async Task Client_GrantsWithoutLimit_GetsAllOfALongDownload()
    {
        byte[] content = new byte[4 * 1024 * 1024 + 5];
        new Random(9).NextBytes(content);
        await using ServerUnderTest server = await ServerUnderTest.StartAsync();
        Link target = await server.OpenAsync(1, "x");
        Task sending = SendAndCompleteAsync(target, content);
        var received = new List<byte>(content.Length);
        int counted = 0;
        ScriptFrame frame;
        while ((frame = await server.Peer.ReceiveAsync()).Type == FrameType.Keep)
        {
            received.AddRange(frame.Data!);
            counted += frame.Data!.Length;
            if (counted >= 32768)
            {
                counted = 0;
                await server.Peer.SendAsync(Raw.Credit(1, 65536));
            }
        }

        // SPEC 6.3.4: nothing is granted before the End of a server.
        Assert.Equal("End 1 0000", frame.ToString());
        await sending;
        Assert.True(content.AsSpan().SequenceEqual(received.ToArray()), "The content came out different.");

        // Its own End follows when the application closes; a grant may have been on its way.
        await server.Peer.SendAsync(Raw.Credit(1, 65536), Raw.End(1), Raw.Credit(1, 65536));
        await server.ExpectNothingAsync();
        Assert.Equal(1, server.Worker.ActiveSessions);
    }

    [Fact]
    public async Task Client_ClosesDuringADownload_AnswersEachKeepWithAnError_OnlyThatSessionEnds()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAsync();
        Link target = await server.OpenAsync(1, "x");
        await server.Peer.SendAsync(Raw.End(1));
        await target.ExpectEndOfStreamAsync();
        await target.SendAsync(new byte[20_000]);
        ScriptFrame keep = await server.Peer.ExpectAsync(FrameType.Keep, 1);
        int answers = 0;
        for (int left = 20_000 - keep.Data!.Length; ; left -= keep.Data!.Length)
        {
            await server.Peer.SendAsync(Raw.BareEnd(1), Raw.Keep(ServerUnderTest.Neighbour, $"{++answers}"));
            ScriptFrame frame = await server.Peer.ReceiveAsync();
            while (frame is { Type: FrameType.Keep, Id: 1 })
            {
                frame = await server.Peer.ReceiveAsync();
            }

            if (frame.Type == FrameType.End)
            {
                Assert.Equal("End 1 0000", frame.ToString());
                frame = await server.Peer.ReceiveAsync();
            }

            Assert.Equal($"Keep {ServerUnderTest.Neighbour} '{answers}'", frame.ToString());
            if (answers == 5)
            {
                break;
            }
        }

        await server.ExpectNothingAsync();
        Assert.Equal(1, server.Worker.ActiveSessions);
    }

    [Fact]
    public async Task Client_SendsAfterOurEnd_IsRead()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAsync();
        Link target = await server.OpenAsync(1, "x");
        await target.Output.CompleteAsync();
        await server.Peer.ExpectEndAsync(1);
        await server.Peer.SendAsync(Raw.Keep(1, "too late?"));
        await target.ExpectTextAsync("too late?");
        await server.Peer.SendAsync(Raw.BareEnd(1), Raw.BareEnd(1));
        await target.ExpectResetAsync();
        await server.ExpectNothingAsync();
    }

    [Fact]
    public async Task Client_SendsAfterOurEndWithACode_IsDropped()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAsync(
            dispatcher: new FakeDispatcher().On("refused", new SessionException(ErrorCode.DestinationUnreachable, "Refused.")));
        await server.Peer.SendAsync(Raw.New(1, "refused:1", "x"));
        await server.Peer.ExpectEndAsync(1, ErrorCode.DestinationUnreachable);
        await server.Peer.SendAsync(Raw.Keep(1, "y"), Raw.Credit(1, 65536), Raw.Keep(1, "z"), Raw.BareEnd(1), Raw.BareEnd(1));
        await server.ExpectNothingAsync();
        await server.OpenAsync(1, "again");
    }

    [Fact]
    public async Task Client_TakesIdsAgain_FromTheStart()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAsync();
        for (int round = 0; round < 50; round++)
        {
            for (int id = 1; id <= 3; id++)
            {
                await server.Peer.SendAsync(Raw.New(id, "echo:7", $"{round}.{id}"));
                await server.Peer.ExpectKeepAsync(id, $"{round}.{id}");
                await server.Peer.SendAsync(Raw.End(id));
                await server.Peer.ExpectEndAsync(id);
            }
        }

        await server.ExpectNothingAsync();
    }

    [Fact]
    public async Task Client_TakesAnIdThatIsAlive_LosesBothAndNothingElse()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAsync();
        Link target = await server.OpenAsync(1, "x");
        await server.Peer.SendAsync(Raw.New(1, "target:80", "y"), Raw.Keep(1, "z"), Raw.Credit(1, 65536), Raw.New(1, "target:80", "again"));
        await server.Peer.ExpectEndAsync(1, ErrorCode.ProtocolError);
        await target.ExpectResetAsync();
        await server.Peer.SendAsync(Raw.BareEnd(1), Raw.BareEnd(1));
        ScriptFrame? second = await NextOfAsync(server, 1);
        Assert.True(second is null || second.ToString() == "End 1 0003", $"{second}");
    }

    /// <summary>What was sent for an id before the next answer of the neighbour.</summary>
    private static async Task<ScriptFrame?> NextOfAsync(ServerUnderTest server, int id)
    {
        await server.Peer.SendAsync(Raw.Keep(ServerUnderTest.Neighbour, "marker"));
        ScriptFrame frame = await server.Peer.ReceiveAsync();
        if (frame.Id != id)
        {
            Assert.Equal("marker", frame.Text);
            return null;
        }

        await server.Peer.ExpectKeepAsync(ServerUnderTest.Neighbour, "marker");
        return frame;
    }

    private static async Task SendAndCompleteAsync(Link link, byte[] content)
    {
        await link.SendAsync(content);
        await link.Output.CompleteAsync();
    }
}
