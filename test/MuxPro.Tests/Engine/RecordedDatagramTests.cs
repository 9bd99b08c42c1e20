using MuxPro.Fuzz;
using MuxPro.Protocol;
using MuxPro.Tests.Support;

namespace MuxPro.Tests.Engine;

/// <summary>
/// Our ends in the place of a prototype's in the recordings with datagrams (SPEC 7.2): they read all that the other one wrote.
/// </summary>
public sealed class RecordedDatagramTests
{
    public static TheoryData<string> Names => ["00_udp", "01_udp", "01_udp_globalid"];

    [Fact]
    public async Task Server_Of00_SendsWhatTheRecordedOneSent()
    {
        await using var server = ServerUnderTest.Create();
        DatagramLink? target = null;
        foreach (RecordedChunk chunk in RecordedConnection.Load("00_udp").Chunks)
        {
            if (!chunk.FromClient)
            {
                await server.Peer.ExpectBytesAsync(chunk.Bytes);
                continue;
            }

            await server.Peer.SendAsync(chunk.Bytes);
            foreach (FrameSnapshot frame in Frames(chunk.Bytes).Where(static frame => frame.Type is FrameType.New or FrameType.Keep))
            {
                target ??= await server.Dispatcher.AcceptDatagramsAsync();
                string text = TextOf(frame.Data);
                await target.ExpectTextAsync(text);
                await target.SendTextAsync($"R:{text}");
            }
        }

        Assert.NotNull(target);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Server_ReadsEveryDatagramOfTheRecordedClient(string name)
    {
        var connection = RecordedConnection.Load(name);
        await using var server = ServerUnderTest.Create();
        DatagramLink? target = null;
        bool hasGlobalId = false;

        // The prototype's client could not read the answers, and ended its flow: without that, the rest is as it meant it.
        foreach (FrameSnapshot frame in Frames(connection.Sent(byClient: true)).Where(static frame => frame.Type != FrameType.End))
        {
            byte[] data = Convert.FromHexString(frame.Data);
            switch (frame.Type)
            {
                case FrameType.NegotiateVersion:
                    await server.Peer.SendAsync(Raw.Negotiate(connection.Version.Value));
                    await server.Peer.ExpectBytesAsync(Raw.Negotiate(connection.Version.Value));
                    continue;
                case FrameType.New:
                    hasGlobalId = frame.GlobalId != 0;
                    await server.Peer.SendAsync(BytesOf(connection, FrameType.New));
                    target = await server.Dispatcher.AcceptDatagramsAsync();
                    await target.ExpectTextAsync(TextOf(frame.Data));
                    break;
                default:
                    await server.Peer.SendAsync(Raw.Frame($"{frame.Id:x4} 02 {(byte)frame.Options:x2}", data));
                    bool hasAddress = (frame.Options & FrameOptions.UdpAddress) != 0;
                    Assert.Equal(connection.Version == ProtocolVersion.V0_1, hasAddress);
                    DatagramAddress address = default;
                    Assert.True(!hasAddress || DatagramAddress.TryRead(data, hasGlobalId, out address, out _));
                    await target!.ExpectTextAsync(System.Text.Encoding.UTF8.GetString(data.AsSpan(address.Length)));
                    break;
            }

            // An answer from the New's target has no address: a prototype's client can read that.
            await target!.SendTextAsync("answer");
            await server.Peer.ExpectBytesAsync(Raw.Keep(frame.Id, "answer"));
        }

        Assert.NotNull(target);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Client_ReadsEveryDatagramOfTheRecordedServer(string name)
    {
        var connection = RecordedConnection.Load(name);
        await using ClientUnderTest client = await ClientUnderTest.StartAsync(version: connection.Version.Value);
        FrameSnapshot open = Frames(connection.Sent(byClient: true)).Single(static frame => frame.Type == FrameType.New);
        DatagramSession flow = await client.OpenDatagramsAsync(open.Destination!.ToString(), open.GlobalId);
        Assert.Equal(open.GlobalId, flow.GlobalId);
        FrameSnapshot[] answers = [.. Frames(connection.Sent(byClient: false)).Where(static frame => frame.Type == FrameType.Keep)];
        Assert.NotEmpty(answers);
        foreach (FrameSnapshot frame in answers)
        {
            byte[] data = Convert.FromHexString(frame.Data);
            await client.Peer.SendAsync(Raw.Frame($"{flow.Id:x4} 02 {(byte)frame.Options:x2}", data));
            DatagramAddress address = default;
            if ((frame.Options & FrameOptions.UdpAddress) != 0)
            {
                Assert.True(DatagramAddress.TryRead(data, open.GlobalId != 0, out address, out _));
            }

            string text = System.Text.Encoding.UTF8.GetString(data.AsSpan(address.Length));
            Assert.StartsWith("R:dgram-", text, StringComparison.Ordinal);
            await flow.ExpectTextAsync(text, address.Destination?.ToString());
        }
    }

    private static IReadOnlyList<FrameSnapshot> Frames(byte[] bytes) => FrameTranscript.Read([bytes], wholeFrames: true).Frames;

    private static string TextOf(string hex) => System.Text.Encoding.UTF8.GetString(Convert.FromHexString(hex));

    private static byte[] BytesOf(RecordedConnection connection, FrameType type)
        => connection.Chunks.First(chunk => chunk.FromClient && chunk.Bytes[4] == (byte)type).Bytes;
}
