using MuxPro.Protocol;
using MuxPro.Tests.Support;

namespace MuxPro.Tests.Engine;

/// <summary>What the ends tell each other about what they take (SPEC 8, limits), and half-close without bound.</summary>
public sealed class LimitsTests
{
    [Fact]
    public async Task Server_SaysWhatIsNotUsual_RightAfterItsAnswer()
    {
        var options = new MuxOptions { MaxSessions = 10, InitialWindow = 1 << 20, MaxDatagram = 1400 };
        await using ServerUnderTest server = await ServerUnderTest.StartAsync(options, version: Raw.Private);
        Assert.Equal(Wired.Bytes("0004 0000 05 01 000f | 01 0000000a | 02 00100000 | 03 00000578"), server.Limits!.Bytes);

        // The window is what it said, and no byte more.
        await server.Peer.SendAsync(Raw.New(5, "target:80"));
        Link target = await server.Dispatcher.AcceptAsync();
        await server.Peer.ExpectOpenedAsync(5);
        for (int sent = 0; sent < 1 << 20; sent += 1 << 15)
        {
            await server.Peer.SendAsync(Raw.Keep(5, new byte[1 << 15]));
        }

        await server.ExpectNothingAsync();
        Assert.Equal(1 << 20, (await target.ReadExactlyAsync(1 << 20)).Length);
    }

    [Fact]
    public async Task Limits_BeforeThePrivateVersion_AreNotSent()
    {
        // Nobody reads: what is read is granted anew.
        FakeDispatcher targets = new FakeDispatcher().On("stuck", static _ => new ValueTask<Link>(new TaskCompletionSource<Link>().Task));
        await using ServerUnderTest server = await ServerUnderTest.StartAsync(
            new MuxOptions { InitialWindow = 1 << 20 }, targets, version: 1);
        await server.Peer.SendAsync(Raw.New(5, "stuck:80"), Raw.Keep(5, new byte[65_535]), Raw.Keep(5, new byte[2]));
        await server.Peer.ExpectEndAsync(5, ErrorCode.ProtocolError);
    }

    [Fact]
    public async Task Client_SendsTheFirstWindowThatTheServerGives_AlsoOnWhatWasOpen()
    {
        const int Window = 200_000;
        await using ClientUnderTest client = await ClientUnderTest.StartAsync(version: Raw.Private);
        var payload = new Payload(1);
        _ = payload.SendAsync(client.Neighbour.Output, 0, Window + 1, cancellationToken: TestContext.Current.CancellationToken);
        await client.Peer.ReceivePayloadAsync(1, 65_536);
        await client.Peer.SendAsync(Raw.Limits((9, 1), (2, Window)));
        await client.Peer.ReceivePayloadAsync(1, Window - 65_536);
        Session session = await client.OpenAsync();
        _ = payload.SendAsync(session.Output, 0, Window + 1, cancellationToken: TestContext.Current.CancellationToken);
        await client.Peer.ReceivePayloadAsync(session.Id, Window);
        await client.Peer.SendAsync(Raw.Credit(1, 1));
        await client.Peer.ReceivePayloadAsync(1, 1);
    }

    [Fact]
    public async Task Client_TakesNoMorePlacesThanTheServerHas()
    {
        await using ClientUnderTest client = await ClientUnderTest.StartAsync(version: Raw.Private);
        await client.Peer.SendAsync(Raw.Limits((1, 2)));
        await client.ExpectNothingAsync();
        Session second = await client.OpenAsync();
        Assert.False(client.Worker.TryReserve());
        second.Abort(ErrorCode.RemoteDisconnect);
        await client.Peer.ExpectEndAsync(second.Id, ErrorCode.RemoteDisconnect);
        Assert.True(client.Worker.TryReserve());
    }

    [Theory]
    [InlineData("0000 05 01 | 0003 010000")]
    [InlineData("0000 05 00 |")]
    [InlineData("0000 05 01 | 000a 0200000001 01ffffffff")]
    [InlineData("0000 05 01 | 0000")]
    public async Task Limits_CutOffOrOutOfRange_ChangeNothing(string frame)
    {
        await using ClientUnderTest client = await ClientUnderTest.StartAsync(version: Raw.Private);
        string[] parts = frame.Split('|');
        await client.Peer.SendAsync([.. Raw.Frame(parts[0]), .. Wired.Bytes(parts[1])]);
        await client.ExpectNothingAsync();
        Assert.True(client.Worker.TryReserve());
    }

    [Fact]
    public async Task Limits_LongerThanIsRead_LoseNoFrame()
    {
        await using ClientUnderTest client = await ClientUnderTest.StartAsync(version: Raw.Private);
        await client.Peer.SendAsync(Raw.Limits([.. Enumerable.Range(0, 300).Select(static key => ((byte)key, 70_000u))]));
        await client.ExpectNothingAsync();
        Assert.True(client.Worker.TryReserve());
    }

    [Fact]
    public async Task Limits_ASecondTime_ChangeNothing()
    {
        await using ClientUnderTest client = await ClientUnderTest.StartAsync(version: Raw.Private);
        await client.Peer.SendAsync(Raw.Limits((1, 2), (2, 70_000)), Raw.Limits((1, 1), (2, 80_000)));
        await client.ExpectNothingAsync();
        Session session = await client.OpenAsync();
        _ = new Payload(1).SendAsync(session.Output, 0, 80_000, cancellationToken: TestContext.Current.CancellationToken);
        await client.Peer.ReceivePayloadAsync(session.Id, 70_000);
        await client.ExpectNothingAsync();
    }

    [Fact]
    public async Task HalfClose_GrantsAfterTheOwnEnd_UntilTheOtherEnd()
    {
        await using ClientUnderTest client = await ClientUnderTest.StartAsync(version: Raw.Private);
        Session session = await client.OpenAsync();
        session.CompleteWrites();

        // No last grant: there is no need for one.
        await client.Peer.ExpectEndAsync(session.Id);
        long granted = 65_536;
        long sent = 0;
        while (sent < 10_000_000)
        {
            byte[] piece = new byte[Math.Min(60_000, (int)(granted - sent))];
            await client.Peer.SendAsync(Raw.Keep(session.Id, piece));
            sent += piece.Length;
            await session.ReadExactlyAsync(piece.Length);
            if (granted - sent < 32_768)
            {
                granted += (await client.Peer.ExpectAsync(FrameType.CreditUpdate, session.Id)).Credit;
            }
        }

        await client.Peer.SendAsync(Raw.End(session.Id));
        await session.ExpectEndOfStreamAsync();
        await session.Completion.Guarded();
        Assert.Equal(ErrorCode.GracefulShutdown, session.EndCode);
    }
}
