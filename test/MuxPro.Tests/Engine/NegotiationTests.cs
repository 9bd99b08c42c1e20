using Microsoft.Extensions.Time.Testing;
using MuxPro.Protocol;
using MuxPro.Tests.Support;

namespace MuxPro.Tests.Engine;

/// <summary>The first frame of each end (SPEC 5, 6.3.1).</summary>
public sealed class NegotiationTests
{
    private static readonly TimeSpan HandshakeTimeout = new MuxOptions().HandshakeTimeout;

    [Theory]
    [InlineData("0004 0000 00 01 | 0005 01 00000000", "0004 0000 00 01 | 0005 01 00000000")]
    [InlineData("0004 0000 00 01 | 0005 01 00000001", "0004 0000 00 01 | 0005 01 00000001")]
    [InlineData("0004 0000 00 01 | 0009 02 00000001 00000000", "0004 0000 00 01 | 0005 01 00000001")]
    [InlineData("0004 0000 00 01 | 0009 02 00000000 00000001", "0004 0000 00 01 | 0005 01 00000001")]
    [InlineData("0004 0000 00 01 | 000d 03 ffffffff 00008002 00000000", "0004 0000 00 01 | 0005 01 00000000")]
    [InlineData("0005 0000 00 01 01 | 0004 00000000", "0005 0000 00 01 01 | 0004 00000000")]
    [InlineData("0005 0000 00 01 02 | 0008 00000001 00000000", "0005 0000 00 01 01 | 0004 00000001")]
    [InlineData("0005 0000 00 01 01 | 0005 01 00000000", "0004 0000 00 01 | 0005 01 00000000")]
    [InlineData("0004 0000 00 01 | 0008 01 00000000 aabbcc", "0004 0000 00 01 | 0005 01 00000000")]
    public async Task Offer_IsAnsweredInKind_WithTheHighestCommonVersion(string offer, string answer)
    {
        await using var server = ServerUnderTest.Create();
        await server.Peer.TrickleAsync(Wired.Bytes(offer));
        await server.Peer.ExpectBytesAsync(Wired.Bytes(answer));
        await server.Peer.SendAsync(Raw.New(1, "echo:7", "x"));
        await server.Peer.ExpectKeepAsync(1, "x");
    }

    [Fact]
    public async Task Offer_ThatTheConfigurationExcludes_IsNotChosen()
    {
        await using var server = ServerUnderTest.Create(new MuxOptions { Versions = [ProtocolVersion.V0_0] });
        await server.Peer.SendAsync(Raw.Negotiate(0x8001, 1, 0));
        await server.Peer.ExpectBytesAsync(Raw.Negotiate(0));
    }

    [Theory]
    [InlineData("no common version", "0004 0000 00 01 0005 01 00000002", MainConnectionEnd.NegotiationFailed)]
    [InlineData("another major version", "0004 0000 00 01 0009 02 00010000 00010001", MainConnectionEnd.NegotiationFailed)]
    [InlineData("N = 0", "0004 0000 00 01 0001 00", MainConnectionEnd.ProtocolError)]
    [InlineData("N = 0 in the metadata", "0005 0000 00 01 00 0004 00000000", MainConnectionEnd.ProtocolError)]
    [InlineData("no list", "0004 0000 00 01 0000", MainConnectionEnd.ProtocolError)]
    [InlineData("no D", "0004 0000 00 00", MainConnectionEnd.ProtocolError)]
    [InlineData("a list shorter than N", "0004 0000 00 01 0005 02 00000000", MainConnectionEnd.ProtocolError)]
    [InlineData("a list shorter than N in the metadata", "0005 0000 00 01 02 0004 00000000", MainConnectionEnd.ProtocolError)]
    [InlineData("an id", "0004 0001 00 01 0005 01 00000000", MainConnectionEnd.ProtocolError)]
    [InlineData("New first", "000d 0001 01 00 01 00 0050 01 7f000001", MainConnectionEnd.ProtocolError)]
    [InlineData("Keep first", "0004 0001 02 01 0001 78", MainConnectionEnd.ProtocolError)]
    [InlineData("End first", "0004 0001 03 00", MainConnectionEnd.ProtocolError)]
    [InlineData("KeepAlive first", "0004 0000 04 00", MainConnectionEnd.ProtocolError)]
    [InlineData("CreditUpdate first", "0004 0001 05 01 0004 00000001", MainConnectionEnd.ProtocolError)]
    public async Task Offer_ThatIsNone_ClosesWithoutAnAnswer(string what, string bytes, MainConnectionEnd reason)
    {
        await using var server = ServerUnderTest.Create();
        await server.Peer.SendAsync(Wired.Bytes(bytes));
        MainConnectionException failure = await server.ExpectClosedAsync(reason);
        Assert.False(string.IsNullOrEmpty(failure.Message), what);
    }

    [Theory]
    [InlineData("a version that was not offered", "0004 0000 00 01 0005 01 00000001", MainConnectionEnd.NegotiationFailed)]
    [InlineData("two versions", "0004 0000 00 01 0009 02 00000000 00000000", MainConnectionEnd.NegotiationFailed)]
    [InlineData("no version", "0004 0000 00 01 0001 00", MainConnectionEnd.ProtocolError)]
    [InlineData("no D", "0004 0000 00 00", MainConnectionEnd.ProtocolError)]
    [InlineData("an id", "0004 0001 00 01 0005 01 00000000", MainConnectionEnd.ProtocolError)]
    [InlineData("KeepAlive", "0004 0000 04 00", MainConnectionEnd.ProtocolError)]
    [InlineData("Keep", "0004 0001 02 01 0001 78", MainConnectionEnd.ProtocolError)]
    [InlineData("no bytes", "", MainConnectionEnd.ClosedByPeer)]
    public async Task Answer_ThatIsNone_FailsTheClient(string what, string bytes, MainConnectionEnd reason)
    {
        (FrameScript peer, Task<ClientWorker> start) = StartClient(new MuxOptions { Versions = [ProtocolVersion.V0_0] });
        await using FrameScript _ = peer;
        await peer.ExpectBytesAsync(Raw.Negotiate(0));
        if (bytes.Length == 0)
        {
            await peer.CompleteAsync();
        }
        else
        {
            await peer.SendAsync(Wired.Bytes(bytes));
        }

        var error = await Assert.ThrowsAsync<MainConnectionException>(() => start.Guarded());
        Assert.True(reason == error.Reason, $"{what}: {error}");
        await peer.ExpectClosedAsync();
    }

    [Theory]
    [InlineData("0004 0000 00 01 | 0005 01 00000000", 0)]
    [InlineData("0004 0000 00 01 | 0005 01 00000001", 1)]
    [InlineData("0005 0000 00 01 01 | 0004 00000001", 1)]
    public async Task Answer_OfOneOfferedVersion_IsSpoken(string answer, int minor)
    {
        (FrameScript peer, Task<ClientWorker> start) = StartClient(new MuxOptions());
        await using FrameScript _ = peer;
        await peer.ExpectBytesAsync(Raw.Negotiate(0x8001, 1, 0));
        await peer.TrickleAsync(Wired.Bytes(answer));
        ClientWorker worker = await start.Guarded();
        Assert.Equal(new ProtocolVersion(0, (ushort)minor), worker.Version);
    }

    [Fact]
    public async Task Frames_GluedToTheAnswer_AreNotLost()
    {
        (FrameScript peer, Task<ClientWorker> start) = StartClient(new MuxOptions());
        await using FrameScript _ = peer;
        await peer.ExpectBytesAsync(Raw.Negotiate(0x8001, 1, 0));
        await peer.SendAsync(Raw.Negotiate(0), Raw.KeepAlive(), Raw.Keep(5, "of nobody"));
        ClientWorker worker = await start.Guarded();
        await peer.ExpectEndAsync(5, ErrorCode.ProtocolError, isOpen: false);
    }

    [Fact]
    public async Task Client_OfASilentServer_GivesUpAfterTheHandshakeTimeout()
    {
        var time = new FakeTimeProvider();
        (FrameScript peer, Task<ClientWorker> start) = StartClient(new MuxOptions { TimeProvider = time });
        await using FrameScript _ = peer;
        await peer.ExpectAsync(FrameType.NegotiateVersion, 0);
        time.Advance(HandshakeTimeout);
        var error = await Assert.ThrowsAsync<MainConnectionException>(() => start.Guarded());
        Assert.Equal(MainConnectionEnd.NegotiationFailed, error.Reason);
        await peer.ExpectClosedAsync();
    }

    [Theory]
    [InlineData("")]
    [InlineData("0004 0000 00 01 0005 01 000000")]
    public async Task Server_OfASilentClient_GivesUpAfterTheHandshakeTimeout(string start)
    {
        var time = new FakeTimeProvider();
        await using var server = ServerUnderTest.Create(new MuxOptions { TimeProvider = time });
        await server.Peer.SendAsync(Wired.Bytes(start));
        time.Advance(HandshakeTimeout);
        await server.ExpectClosedAsync(MainConnectionEnd.NegotiationFailed);
    }

    [Fact]
    public async Task Negotiation_JustInTime_Succeeds()
    {
        var time = new FakeTimeProvider();
        (FrameScript peer, Task<ClientWorker> start) = StartClient(new MuxOptions { TimeProvider = time });
        await using FrameScript _ = peer;
        await using var server = ServerUnderTest.Create(new MuxOptions { TimeProvider = time });
        await peer.ExpectBytesAsync(Raw.Negotiate(0x8001, 1, 0));
        time.Advance(HandshakeTimeout - TimeSpan.FromMilliseconds(1));
        await peer.SendAsync(Raw.Negotiate(0));
        await server.Peer.SendAsync(Raw.Negotiate(0));
        ClientWorker worker = await start.Guarded();
        await server.Peer.ExpectBytesAsync(Raw.Negotiate(0));
        time.Advance(HandshakeTimeout);
        await server.Peer.SendAsync(Raw.New(1, "echo:7", "x"));
        await server.Peer.ExpectKeepAsync(1, "x");
        Assert.Null(worker.Failure);
    }

    [Fact]
    public async Task Server_BeforeTheFirstFrameOfTheClient_SendsNothingButTheAnswer()
    {
        var time = new FakeTimeProvider();
        await using var server = ServerUnderTest.Create(new MuxOptions { TimeProvider = time });
        await server.Peer.SendAsync(Raw.Negotiate(0));
        await server.Peer.ExpectBytesAsync(Raw.Negotiate(0));
        time.Advance(TimeSpan.FromMinutes(5));
        await server.Peer.SendAsync(Raw.New(1, "echo:7", "x"));
        await server.Peer.ExpectKeepAsync(1, "x");
    }

    private static (FrameScript Peer, Task<ClientWorker> Start) StartClient(MuxOptions options)
    {
        (Link client, Link server) = Link.CreatePair();
        return (new FrameScript(server), ClientWorker.StartAsync(client, null, options, TestContext.Current.CancellationToken).AsTask());
    }
}
