using Microsoft.Extensions.Time.Testing;
using MuxPro.Protocol;
using MuxPro.Tests.Support;

namespace MuxPro.Tests.Engine;

/// <summary>What 0.0 and 0.1 need because the other end may be a prototype, and cannot say more.</summary>
public sealed class PrototypeLimitTests
{
    private static readonly TimeSpan Millisecond = TimeSpan.FromMilliseconds(1);

    private readonly FakeTimeProvider _time = new();

    private MuxOptions Options => new() { TimeProvider = _time, KeepAliveInterval = Timeout.InfiniteTimeSpan };

    [Theory]
    [InlineData("000d 0000 01 00 01 00 0050 01 7f000001", "no payload")]
    [InlineData("000d 0000 01 01 01 00 0050 01 7f000001 0001 78", "payload")]
    public async Task New_WithId0_EndsThatIdAlone(string bytes, string what)
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAsync();
        Link target = await server.OpenAsync(65535, what);

        // What it sent before it heard of that, and the End that it may answer with.
        await server.Peer.SendAsync(Wired.Bytes(bytes), Raw.Keep(0, "dropped"), Raw.Keep(0, "too"), Raw.Credit(0, 65536), Raw.BareEnd(0));
        await server.Peer.ExpectEndAsync(0, ErrorCode.ProtocolError);
        await server.ExpectNothingAsync();
        await server.Peer.SendAsync(Wired.Bytes(bytes));
        await server.Peer.ExpectEndAsync(0, ErrorCode.ProtocolError);
        await target.SendTextAsync("still there");
        await server.Peer.ExpectKeepAsync(65535, "still there");
        await server.OpenAsync(1, "again from the start");
    }

    [Theory]
    [InlineData(0u, true, true)]
    [InlineData(0u, false, true)]
    [InlineData(1u, true, false)]
    [InlineData(1u, false, false)]
    [InlineData(0x8001u, true, false)]
    public async Task End_WithACode_GoesTogetherWithCreditForAWriterThatWaits(uint version, bool isClient, bool isFreed)
    {
        await using ClientUnderTest client = await ClientUnderTest.StartAsync(version: version);
        await using ServerUnderTest server = await ServerUnderTest.StartAcceptingAsync(version: version);
        FrameScript peer = isClient ? client.Peer : server.Peer;
        Session session = isClient ? await client.OpenAsync() : await server.AcceptNewAsync(5);
        session.Abort(ErrorCode.OperationTimeout);
        ScriptFrame frame = await peer.ReceiveAsync();
        if (isFreed)
        {
            Assert.Equal($"0004{session.Id:x4}0501000400100000", Convert.ToHexStringLower(frame.Bytes));
            frame = await peer.ReceiveAsync();
        }

        Assert.Equal($"End {session.Id} 0002", frame.ToString());
    }

    [Fact]
    public async Task End_WithACode_AfterAnEnd_GoesAlone()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAcceptingAsync();
        Session ended = await server.AcceptNewAsync(5);
        Session ending = await server.AcceptNewAsync(6);
        await server.Peer.SendAsync(Raw.End(5));
        await ended.ExpectEndOfStreamAsync();
        ended.Abort(ErrorCode.OperationTimeout);
        await server.Peer.ExpectEndAsync(5, ErrorCode.OperationTimeout, isOpen: false);
        ending.CompleteWrites();
        await server.Peer.ExpectEndAsync(6);
        ending.Abort(ErrorCode.OperationTimeout);
        await server.Peer.ExpectEndAsync(6, ErrorCode.OperationTimeout, isOpen: false);
        await server.ExpectNothingAsync();
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(1u)]
    public async Task Sender_WithoutCreditAfterTheOtherEnd_IsReset30SecondsLater(uint version)
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAcceptingAsync(Options, version);
        Session session = await server.AcceptNewAsync(5);
        _time.Advance(TimeSpan.FromHours(1));
        await session.SendAsync(new byte[100_000]);
        await server.Peer.ReceivePayloadAsync(5, 65536);
        await server.Peer.SendAsync(Raw.End(5));
        await session.ExpectEndOfStreamAsync();
        _time.Advance(TimeSpan.FromSeconds(30) - Millisecond);
        await server.ExpectNothingAsync();

        // The last credit, if it was on its way.
        await server.Peer.SendAsync(Raw.Credit(5, 1000));
        await server.Peer.ReceivePayloadAsync(5, 1000);
        _time.Advance(TimeSpan.FromSeconds(29));
        await server.ExpectNothingAsync();
        _time.Advance(TimeSpan.FromSeconds(1.5));
        await server.Peer.ExpectEndAsync(5, ErrorCode.OperationTimeout, isOpen: false);
        await session.Completion.Guarded();
        Assert.Equal(1, server.Worker.ActiveSessions);
        await server.ExpectNothingAsync();
    }

    [Theory]
    [InlineData(0u, true)]
    [InlineData(1u, true)]
    [InlineData(0x8001u, false)]
    public async Task Sender_WithCreditOrNothingToSend_OrOfThePrivateVersion_IsNotReset(uint version, bool hasCredit)
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAcceptingAsync(
            Options with { PingInterval = Timeout.InfiniteTimeSpan }, version);
        Session session = await server.AcceptNewAsync(5);
        await session.SendAsync(new byte[hasCredit ? 65536 : 100_000]);
        if (version == Raw.Private)
        {
            await server.Peer.ExpectOpenedAsync(5);
        }

        await server.Peer.ReceivePayloadAsync(5, 65536);
        await server.Peer.SendAsync(Raw.End(5));
        await session.ExpectEndOfStreamAsync();
        _time.Advance(TimeSpan.FromMinutes(10));
        await server.ExpectNothingAsync();
        await server.Peer.SendAsync(Raw.Credit(5, 100_000));
        await session.SendAsync(new byte[5]);
        await server.Peer.ReceivePayloadAsync(5, hasCredit ? 5 : 34_469);
    }

    [Theory]
    [InlineData(0u, 30)]
    [InlineData(1u, 30)]
    [InlineData(0x8001u, 3600)]
    public async Task Linger_IsAnHourInThePrivateVersion_And30SecondsBefore(uint version, int seconds)
    {
        await using ClientUnderTest client = await ClientUnderTest.StartAsync(
            Options with { PingInterval = Timeout.InfiniteTimeSpan }, version);
        Session session = await client.OpenAsync();
        session.CompleteWrites();
        if (version != Raw.Private)
        {
            await client.Peer.ExpectAsync(FrameType.CreditUpdate, session.Id);
        }

        await client.Peer.ExpectEndAsync(session.Id);
        _time.Advance(TimeSpan.FromSeconds(seconds) - Millisecond);
        await client.ExpectNothingAsync();
        await client.Peer.SendAsync(Raw.Keep(session.Id, "slow"));
        await session.ExpectTextAsync("slow");
        _time.Advance(TimeSpan.FromSeconds(seconds));
        await client.Peer.ExpectEndAsync(session.Id, ErrorCode.OperationTimeout, isOpen: false);
    }

    [Fact]
    public async Task Linger_OfOneThatNobodyReads_Is30SecondsInThePrivateVersionToo()
    {
        await using ClientUnderTest client = await ClientUnderTest.StartAsync(
            Options with { PingInterval = Timeout.InfiniteTimeSpan }, Raw.Private);
        Session session = await client.OpenAsync();
        await session.DisposeAsync();
        await client.Peer.ExpectEndAsync(session.Id);
        _time.Advance(TimeSpan.FromSeconds(30));
        await client.Peer.ExpectEndAsync(session.Id, ErrorCode.RemoteDisconnect, isOpen: false);
    }
}
