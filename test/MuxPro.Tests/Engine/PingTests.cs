using Microsoft.Extensions.Time.Testing;
using MuxPro.Protocol;
using MuxPro.Tests.Support;

namespace MuxPro.Tests.Engine;

/// <summary>Signs of life that are asked for (SPEC 8, ping).</summary>
public sealed class PingTests
{
    private static readonly TimeSpan PingInterval = new MuxOptions().PingInterval;
    private static readonly TimeSpan PingTimeout = new MuxOptions().PingTimeout;
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(0.5);

    private readonly FakeTimeProvider _time = new();

    [Fact]
    public async Task Ping_IsAnsweredWithItsToken()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAsync(version: Raw.Private);
        await server.Peer.SendAsync(Raw.Ping(0x0123456789abcdef), Raw.Ping(7));
        await server.Peer.ExpectBytesAsync(Raw.Pong(0x0123456789abcdef));
        await server.Peer.ExpectBytesAsync(Raw.Pong(7));
        await server.ExpectNothingAsync();
    }

    [Fact]
    public async Task Pong_OfNoPing_IsIgnored()
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAsync(version: Raw.Private);
        await server.Peer.SendAsync(Raw.Pong(1));
        await server.ExpectNothingAsync();
    }

    [Theory]
    [InlineData("0000 04 10")]
    [InlineData("0000 04 20 00000000000000")]
    [InlineData("0000 04 30 0000000000000000")]
    [InlineData("0000 04 11 0000000000000000")]
    public async Task KeepAlive_OfNoKnownForm_ClosesTheMainConnection(string metadata)
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAsync(version: Raw.Private);
        await server.Peer.SendAsync(Raw.Frame(metadata));
        await server.ExpectClosedAsync(MainConnectionEnd.ProtocolError);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Ping_BeforeThePrivateVersion_ClosesTheMainConnection(uint version)
    {
        await using ServerUnderTest server = await ServerUnderTest.StartAsync(version: version);
        await server.Peer.SendAsync(Raw.Ping(1));
        await server.ExpectClosedAsync(MainConnectionEnd.ProtocolError);
    }

    [Fact]
    public async Task Client_AsksAnOtherEndThatIsQuiet_AndMeasures()
    {
        await using ClientUnderTest client = await StartAsync();
        Advance(PingInterval);
        ulong token = await ExpectPingAsync(client.Peer);
        Advance(TimeSpan.FromSeconds(1));
        await client.Peer.SendAsync(Raw.Pong(token));
        await client.ExpectNothingAsync();
        Assert.Equal(TimeSpan.FromSeconds(1), client.Worker.RoundTripTime);
        Advance(PingInterval);
        Assert.NotEqual(token, await ExpectPingAsync(client.Peer));
    }

    [Fact]
    public async Task OtherEnd_ThatTalks_IsNotAsked()
    {
        await using ClientUnderTest client = await StartAsync();
        for (int round = 0; round < 5; round++)
        {
            Advance(PingInterval - Tick);
            await client.ExpectNothingAsync();
        }
    }

    [Fact]
    public async Task Silence_AfterAPing_EndsTheMainConnection()
    {
        await using ClientUnderTest client = await StartAsync();
        Advance(PingInterval);
        _ = await ExpectPingAsync(client.Peer);
        Advance(PingTimeout - Tick);
        Assert.Null(client.Worker.Failure);
        Advance(Tick);
        MainConnectionException failure = await client.ExpectClosedAsync(MainConnectionEnd.Timeout);
        Assert.Contains("ping", failure.Message, StringComparison.Ordinal);
        Assert.Equal(ErrorCode.OperationTimeout, client.Neighbour.EndCode);
    }

    [Fact]
    public async Task LateAnswer_WhileOtherBytesCome_IsNoSilence()
    {
        await using ClientUnderTest client = await StartAsync();
        Advance(PingInterval);
        ulong token = await ExpectPingAsync(client.Peer);
        for (int round = 0; round < 5; round++)
        {
            Advance(PingTimeout - Tick);
            await client.ExpectNothingAsync();
        }

        await client.Peer.SendAsync(Raw.Pong(token));
        await client.ExpectNothingAsync();
    }

    [Fact]
    public async Task ProcessThatWasStopped_LooksFirstAtWhatCame()
    {
        await using ClientUnderTest client = await StartAsync();
        Advance(PingInterval);
        ulong token = await ExpectPingAsync(client.Peer);

        // One tick that comes an hour late: whatever the other end sent meanwhile was not looked at.
        _time.Advance(TimeSpan.FromHours(1));
        Assert.Null(client.Worker.Failure);
        await client.Peer.SendAsync(Raw.Pong(token));
        await client.ExpectNothingAsync();
    }

    [Fact]
    public async Task IdleMainConnection_IsAskedInPlaceOfAKeepAlive()
    {
        await using ClientUnderTest client = await StartAsync();
        client.Neighbour.Abort(ErrorCode.RemoteDisconnect);
        await client.Peer.ExpectEndAsync(1, ErrorCode.RemoteDisconnect);
        await client.Peer.SendAsync(Raw.End(1));
        await client.Neighbour.Completion.Guarded();
        Advance(TimeSpan.FromSeconds(30));
        _ = await ExpectPingAsync(client.Peer);
        Advance(PingTimeout);
        await client.Worker.Completion.Guarded();
        Assert.Equal(MainConnectionEnd.Timeout, client.Worker.Failure!.Reason);
    }

    private static async Task<ulong> ExpectPingAsync(FrameScript peer)
    {
        ScriptFrame frame = await peer.ExpectAsync(FrameType.KeepAlive, 0);
        Assert.Equal(FrameOptions.Ping, frame.Options);
        return System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(frame.Fields);
    }

    private async Task<ClientUnderTest> StartAsync()
    {
        ClientUnderTest client = await ClientUnderTest.StartAsync(new MuxOptions { TimeProvider = _time }, Raw.Private);

        // A negotiation that took no time on this clock leaves the round trip unknown: that is asked for first.
        Advance(Tick);
        await client.Peer.SendAsync(Raw.Pong(await ExpectPingAsync(client.Peer)));
        await client.ExpectNothingAsync();
        return client;
    }

    /// <summary>Tick by tick: a clock that jumps is a process that was stopped.</summary>
    private void Advance(TimeSpan time)
    {
        for (TimeSpan passed = TimeSpan.Zero; passed < time; passed += Tick)
        {
            _time.Advance(Tick);
        }
    }
}
