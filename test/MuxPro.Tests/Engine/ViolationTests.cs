using MuxPro.Protocol;
using MuxPro.Tests.Support;

namespace MuxPro.Tests.Engine;

/// <summary>What ends the main connection, and all its sub-connections with it (SPEC 5, 6, 6.3.5).</summary>
public sealed class ViolationTests
{
    /// <summary>Bytes that neither end may send once a version is chosen.</summary>
    public static TheoryData<string, string> FromEither => new()
    {
        { "metadata of 0 bytes", "0000" },
        { "metadata of 1 byte", "0001 00" },
        { "metadata of 2 bytes", "0002 0000" },
        { "metadata of 3 bytes", "0003 000104" },
        { "metadata of 513 bytes", "0201" },
        { "metadata of 65535 bytes", "ffff" },
        { "state 06", "0004 0001 06 00" },
        { "state ff with D", "0004 0001 ff 01 0000" },
        { "KeepAlive with D", "0004 0000 04 01 0000" },
        { "KeepAlive with another option", "0004 0000 04 10" },
        { "KeepAlive with metadata", "0005 0000 04 00 00" },
        { "second NegotiateVersion", "0004 0000 00 01 0005 01 00000000" },
        { "NegotiateVersion with an id", "0004 0001 00 01 0005 01 00000000" },
    };

    public static TheoryData<string, string> FromServer => new()
    {
        { "New", "000d 0002 01 00 01 00 0050 01 7f000001" },
        { "New with payload", "000d 0002 01 01 01 00 0050 01 7f000001 0001 78" },
        { "New with ID 0", "000d 0000 01 00 01 00 0050 01 7f000001" },
    };

    [Theory]
    [MemberData(nameof(FromEither))]
    public async Task Violation_OfTheClient_EndsTheMainConnection(string what, string bytes)
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAsync();
        Link target = await server.OpenAsync(5, "x");
        await server.Peer.SendAsync(Wired.Bytes(bytes));
        MainConnectionException failure = await server.ExpectClosedAsync(MainConnectionEnd.ProtocolError);
        Assert.False(string.IsNullOrEmpty(failure.Message), what);
        await target.ExpectResetAsync();
    }

    [Theory]
    [MemberData(nameof(FromEither))]
    [MemberData(nameof(FromServer))]
    public async Task Violation_OfTheServer_EndsTheMainConnection(string what, string bytes)
    {
        await using ClientUnderTest client = await ClientUnderTest.StartAsync();
        await client.Peer.SendAsync(Raw.Keep(1, "x"));
        await client.Neighbour.ExpectTextAsync("x");
        await client.Peer.SendAsync(Wired.Bytes(bytes));
        MainConnectionException failure = await client.ExpectClosedAsync(MainConnectionEnd.ProtocolError);
        Assert.False(string.IsNullOrEmpty(failure.Message), what);
    }

    [Fact]
    public async Task Transport_EndsAtABoundary_IsClosedByThePeer()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAsync();
        Link target = await server.OpenAsync(5, "x");
        await server.Peer.CompleteAsync();
        await server.ExpectClosedAsync(MainConnectionEnd.ClosedByPeer);
        await target.ExpectResetAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Transport_EndsBehindAnEnd_ResetsATargetThatSaysNothing(bool inFrame)
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAsync();
        Link target = await server.OpenAsync(5, "x");
        await server.Peer.SendAsync(Raw.End(5));
        await target.ExpectEndOfStreamAsync();
        await server.Peer.SendAsync(inFrame ? [0] : Raw.KeepAlive());
        await server.Peer.CompleteAsync();
        await server.ExpectClosedAsync(inFrame ? MainConnectionEnd.TransportFailed : MainConnectionEnd.ClosedByPeer);
        await target.Output.WhenReaderIsGoneAsync();
    }

    [Fact]
    public async Task Transport_EndsBehindAnEnd_ClosesASilentSocketInOrder()
    {
        (Link near, Link far) = await Links.ConnectAsync(Links.Kind.Socket, TestContext.Current.CancellationToken);
        FakeDispatcher dispatcher = new FakeDispatcher().On("socket", _ => ValueTask.FromResult(near));
        await using ServerUnderTest server = await ServerUnderTest.StartAsync(dispatcher: dispatcher);
        await server.Peer.SendAsync(Raw.New(5, "socket:80", "all there is"), Raw.End(5));
        await server.ExpectNothingAsync();
        await server.Peer.CompleteAsync();
        await server.ExpectClosedAsync(MainConnectionEnd.ClosedByPeer);
        await Guard.UntilAsync(() => ((StreamLink)near).Socket!.SafeHandle.IsClosed, () => "The target's socket is still open.");
        await far.ExpectTextAsync("all there is");
        await far.ExpectEndOfStreamAsync();
        await far.DisposeAsync();
    }

    [Fact]
    public async Task Transport_EndsBehindTheTargetsEnd_EndsATargetThatTakesNothing()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAsync();
        Link target = await server.OpenAsync(5, "x");

        // More than the link to the target holds, so that the relay waits for the target.
        await server.Peer.SendAsync(Raw.Keep(5, new byte[65535]));
        await server.Peer.ExpectAsync(FrameType.CreditUpdate, 5);
        await server.Peer.SendAsync(Raw.Keep(5, new byte[20_000]));
        await server.ExpectNothingAsync();
        await target.Output.CompleteAsync();
        ScriptFrame frame;
        while ((frame = await server.Peer.ReceiveAsync()).Type == FrameType.CreditUpdate)
        {
        }

        Assert.Equal("End 5 0000", frame.ToString());
        await server.Peer.CompleteAsync();
        await server.ExpectClosedAsync(MainConnectionEnd.ClosedByPeer);
        await target.ExpectResetAsync();
    }

    [Theory]
    [InlineData("00")]
    [InlineData("0004 0005 02")]
    [InlineData("0004 0005 02 01 00")]
    [InlineData("0004 0005 02 01 0005")]
    [InlineData("0004 0005 02 01 0005 61626364")]
    [InlineData("0004 0005 05 01 0004 0000")]
    public async Task Transport_EndsInsideAFrame_HasFailed(string bytes)
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAsync();
        Link target = await server.OpenAsync(5, "x");
        await server.Peer.SendAsync(Wired.Bytes(bytes));
        await server.Peer.CompleteAsync();
        await server.ExpectClosedAsync(MainConnectionEnd.TransportFailed);
        await target.ExpectResetAsync();
    }

    [Fact]
    public async Task Transport_EndsAtABoundary_TheClientReadsWhatCameBefore()
    {
        await using ClientUnderTest client = await ClientUnderTest.StartAsync();
        await client.Peer.SendAsync(Raw.Keep(1, "the last words"));
        await client.Peer.CompleteAsync();
        await client.Worker.Completion.Guarded();
        await client.Neighbour.ExpectTextAsync("the last words");
        await client.ExpectClosedAsync(MainConnectionEnd.ClosedByPeer);
        Assert.Equal(ErrorCode.RemoteDisconnect, client.Neighbour.EndCode);
        Assert.Throws<MainConnectionException>(
            () => client.Worker.TryReserve() ? client.Worker.Open(Destination.MuxPro) : throw client.Worker.Failure!);
    }

    [Fact]
    public async Task Frames_ByteByByte_AreTheSame()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAsync();
        await server.Peer.TrickleAsync([.. Raw.KeepAlive(), .. Raw.New(3, "echo:1", "abc"), .. Raw.Credit(3, 5)]);
        await server.Peer.ExpectKeepAsync(3, "abc");
        await server.Peer.TrickleAsync([.. Raw.Keep(3, "def"), .. Raw.End(77, ErrorCode.ProtocolError), .. Raw.End(3)]);
        await server.Peer.ExpectKeepAsync(3, "def");
        await server.Peer.ExpectEndAsync(3);
        await server.ExpectNothingAsync();
    }

    [Fact]
    public async Task KeepAlive_WithAnyId_IsIgnored()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAsync();
        await server.Peer.SendAsync(Raw.KeepAlive(), Raw.KeepAlive(ServerUnderTest.Neighbour), Raw.KeepAlive(0xffff));
        await server.ExpectNothingAsync();
    }

    [Fact]
    public async Task Metadata_BehindTheKnownFields_IsIgnored()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAsync();
        string junk = string.Concat(Enumerable.Repeat("5a", 512 - 14));
        await server.Peer.SendAsync(
            Raw.Frame("0003 01 01 01 00 0007 02 04 6563686f" + junk, Raw.Text("abc")), Raw.Frame("0003 02 01" + junk, Raw.Text("def")));
        Assert.Equal("abcdef", System.Text.Encoding.UTF8.GetString(await server.Peer.ReceivePayloadAsync(3, 6)));
        await server.Peer.SendAsync(Raw.Frame("0003 03 00" + junk));
        await server.Peer.ExpectEndAsync(3);
        await server.ExpectNothingAsync();
    }

    [Fact]
    public async Task Options_ThatAreNotKnown_AreIgnored()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAsync();
        await server.Peer.SendAsync(
            Raw.Frame("0003 01 fd 01 00 0007 02 04 6563686f", Raw.Text("abc")), Raw.Frame("0003 02 5d", Raw.Text("def")));
        Assert.Equal("abcdef", System.Text.Encoding.UTF8.GetString(await server.Peer.ReceivePayloadAsync(3, 6)));
        await server.Peer.SendAsync(Raw.Frame("0003 03 fe"));
        await server.Peer.ExpectEndAsync(3);
        await server.ExpectNothingAsync();
    }
}
