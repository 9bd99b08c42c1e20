using System.Buffers.Binary;
using System.Net.Sockets;
using MuxPro.Fuzz;
using MuxPro.Protocol;
using MuxPro.Tests.Support;

namespace MuxPro.Tests.Engine;

/// <summary>
/// Our ends in the place of a prototype's: what the other prototype sent is sent to us, and we send what the one whose place we take sent,
/// byte for byte but for what <see cref="Ours"/> lists.
/// </summary>
public sealed class RecordedTests
{
    private const string BareEnd = "0006000103010003";
    private const string GracefulEnd = "000400010300";

    public static TheoryData<string> Names
        => [.. RecordedConnection.Names.Where(name => name.StartsWith("00_tcp", StringComparison.Ordinal))];

    [Fact]
    public void Vectors_AreAllThere() => Assert.Equal(8, Names.Count);

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Server_AnswersTheRecordedClient(string name)
    {
        FakeDispatcher dispatcher = new();
        foreach (string host in (string[])["127.0.0.1", "localhost", "::1"])
        {
            dispatcher.On(host, _ => DispatchLike(name));
        }

        await using var server = ServerUnderTest.Create(dispatcher: dispatcher);
        var ends = new Ends();
        foreach ((bool fromClient, List<byte[]> frames) in Turns(name))
        {
            if (fromClient)
            {
                await server.Peer.SendAsync([.. frames]);
                ends.OtherSent(frames);
            }
            else
            {
                await ExpectAsync(server.Peer, Ours(name, fromClient, frames, ends));
            }
        }

        await server.Peer.CompleteAsync();
        await server.ExpectClosedAsync(MainConnectionEnd.ClosedByPeer);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Client_DoesAsTheRecordedClientAndReadsWhatTheServerSent(string name)
    {
        (Link link, Link far) = Link.CreatePair();
        await using var peer = new FrameScript(far);
        var options = new MuxOptions { Versions = [ProtocolVersion.V0_0] };
        Task<ClientWorker> start = ClientWorker.StartAsync(link, null, options, TestContext.Current.CancellationToken).AsTask();
        var sessions = new Dictionary<int, Session>();
        var ends = new Ends();
        foreach ((bool fromClient, List<byte[]> frames) in Turns(name))
        {
            FrameSnapshot[] snapshots = [.. FrameTranscript.Read(frames.Select(frame => frame.AsMemory()), wholeFrames: true).Frames];
            if (fromClient)
            {
                foreach (FrameSnapshot frame in snapshots.Where(frame => frame.Type != FrameType.NegotiateVersion))
                {
                    await DoAsync(frame, await start.Guarded(), sessions);
                }

                await ExpectAsync(peer, Ours(name, fromClient, frames, ends));
            }
            else
            {
                await peer.SendAsync([.. frames]);
                ends.OtherSent(frames);
                foreach (FrameSnapshot frame in snapshots.Where(frame => frame.Type != FrameType.NegotiateVersion))
                {
                    await SeeAsync(frame, sessions[frame.Id]);
                }
            }
        }

        Assert.NotEmpty(sessions);
        foreach (Session session in sessions.Values)
        {
            await session.Completion.Guarded();
        }

        await peer.CompleteAsync();
        await peer.ExpectClosedAsync();
        Assert.Equal(MainConnectionEnd.ClosedByPeer, (await start).Failure?.Reason);
    }

    /// <summary>What we send where a prototype sent something else.</summary>
    private static IEnumerable<byte[]> Ours(string name, bool fromClient, List<byte[]> frames, Ends ends)
    {
        for (int i = 0; i < frames.Count; i++)
        {
            byte[] frame = frames[i];
            if (i > 0 && frame.AsSpan().SequenceEqual(frames[i - 1]))
            {
                // The prototype closes twice.
                Assert.Equal(BareEnd, Convert.ToHexStringLower(frame));
                continue;
            }

            if (frame[4] == (byte)FrameType.End && frame[5] == 0 && fromClient && !ends.IsEndedByOther(IdOf(frame)))
            {
                // SPEC 6.3.4: just before its End, a client grants what it consumed, and a quarter of what is left of the budget.
                int growth = (int)Math.Min(ends.BudgetLeft / 4, new MuxOptions().MaxWindow - 65536);
                ends.BudgetLeft -= growth;
                yield return Raw.Credit(IdOf(frame), (uint)(growth + ends.Received(IdOf(frame))));
            }
            else if (frame[4] == 3 && ((name, fromClient) is ("00_tcp_app_reset", true) or ("00_tcp_dial_failure", false))) // an End
            {
                // SPEC 6.3.4: credit goes ahead of an End with a code.
                yield return Raw.Credit(1, 1024 * 1024);
            }

            yield return (name, fromClient, Convert.ToHexStringLower(frame)) switch
            {
                // An End with a code carries an empty Extra Data.
                ("00_tcp_app_reset", true, BareEnd) => Raw.End(1, ErrorCode.ProtocolError),

                // The answer to an End with a code is an End 0000.
                ("00_tcp_app_reset", false, BareEnd) => Convert.FromHexString(GracefulEnd),
                ("00_tcp_dial_failure", true, BareEnd) => Convert.FromHexString(GracefulEnd),

                // A target that refuses has a code of its own.
                ("00_tcp_dial_failure", false, BareEnd) => Raw.End(1, ErrorCode.DestinationUnreachable),
                _ => frame,
            };
        }
    }

    private static async Task ExpectAsync(FrameScript peer, IEnumerable<byte[]> frames)
    {
        // How the frames of different ids interleave is the scheduler's affair.
        byte[][] expected = [.. frames.SelectMany(WithoutFirstPayload)];
        var actual = new List<byte[]>();
        while (actual.Count < expected.Length)
        {
            actual.AddRange(WithoutFirstPayload((await peer.ReceiveAsync()).Bytes));
        }

        Assert.Equal(Lines(expected), Lines(actual));
    }

    private static IEnumerable<string> Lines(IEnumerable<byte[]> frames) => frames.OrderBy(IdOf).Select(Convert.ToHexStringLower);

    /// <summary>A New with a payload is the same as one without and a Keep: which it is depends on when the application writes.</summary>
    private static byte[][] WithoutFirstPayload(byte[] frame)
    {
        if (frame[4] != (byte)FrameType.New || frame[5] == 0)
        {
            return [frame];
        }

        int end = 2 + BinaryPrimitives.ReadUInt16BigEndian(frame);
        byte[] head = frame[..end];
        head[5] = 0;
        return [head, Raw.Keep(IdOf(frame), frame[(end + 2)..])];
    }

    private static int IdOf(byte[] frame) => BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(2));

    /// <summary>All that one end sent before the other had its turn.</summary>
    private static IEnumerable<(bool FromClient, List<byte[]> Frames)> Turns(string name)
    {
        IReadOnlyList<RecordedChunk> chunks = RecordedConnection.Load(name).Chunks;
        var turn = new List<byte>();
        for (int i = 0; i < chunks.Count; i++)
        {
            turn.AddRange(chunks[i].Bytes);
            if (i + 1 == chunks.Count || chunks[i + 1].FromClient != chunks[i].FromClient)
            {
                yield return (chunks[i].FromClient, Split([.. turn]));
                turn.Clear();
            }
        }
    }

    // The prototype's frames: no End has Extra Data.
    private static List<byte[]> Split(byte[] bytes)
    {
        var frames = new List<byte[]>();
        for (int start = 0; start < bytes.Length;)
        {
            int end = start + 2 + BinaryPrimitives.ReadUInt16BigEndian(bytes.AsSpan(start));
            if ((bytes[start + 5] & 1) != 0 && bytes[start + 4] != (byte)FrameType.End)
            {
                end += 2 + BinaryPrimitives.ReadUInt16BigEndian(bytes.AsSpan(end));
            }

            frames.Add(bytes[start..end]);
            start = end;
        }

        return frames;
    }

    /// <summary>A target as the recorded one.</summary>
    private static ValueTask<Link> DispatchLike(string name)
    {
        if (name == "00_tcp_dial_failure")
        {
            return ValueTask.FromException<Link>(new SocketException((int)SocketError.ConnectionRefused));
        }

        (Link near, Link far) = Link.CreatePair();
        _ = name == "00_tcp_server_ends_first"
            ? SayByeAsync(far)
            : EchoAsync(far, name == "00_tcp_new_without_data" ? "220 banner\r\n" : "");
        return ValueTask.FromResult(near);
    }

    private static async Task SayByeAsync(Link link)
    {
        await link.ExpectTextAsync("x");
        await link.SendTextAsync("bye");
        await link.Output.CompleteAsync();
        await link.ExpectEndOfStreamAsync();
        await link.DisposeAsync();
    }

    private static async Task EchoAsync(Link link, string banner)
    {
        await link.SendTextAsync(banner);
        await FakeDispatcher.EchoAsync(link);
    }

    /// <summary>The application does what the recorded client's did.</summary>
    private static async Task DoAsync(FrameSnapshot frame, ClientWorker worker, Dictionary<int, Session> sessions)
    {
        switch (frame.Type)
        {
            case FrameType.New:
                Assert.True(worker.TryReserve());
                sessions.Add(frame.Id, worker.Open(frame.Destination!, frame.Priority));
                await sessions[frame.Id].SendAsync(Convert.FromHexString(frame.Data));
                break;
            case FrameType.Keep:
                await sessions[frame.Id].SendAsync(Convert.FromHexString(frame.Data));
                break;
            case FrameType.End when frame.ErrorCode == ErrorCode.GracefulShutdown:
                sessions[frame.Id].CompleteWrites();
                break;
            default:
                // The second time, or after the other end said so, nothing is left to abort.
                sessions[frame.Id].Abort(frame.ErrorCode);
                break;
        }
    }

    /// <summary>The application sees what the recorded server sent.</summary>
    private static async Task SeeAsync(FrameSnapshot frame, Session session)
    {
        if (frame.Type == FrameType.Keep)
        {
            Assert.Equal(frame.Data, Convert.ToHexStringLower(await session.ReadExactlyAsync(frame.Data.Length / 2)));
        }
        else if (frame.ErrorCode == ErrorCode.GracefulShutdown)
        {
            await session.ExpectEndOfStreamAsync();
        }
        else
        {
            var error = await Assert.ThrowsAsync<SessionException>(() => session.ReadAsync());
            Assert.Equal(frame.ErrorCode, error.ErrorCode);
        }
    }

    /// <summary>What the end that we are not has sent, by id.</summary>
    private sealed class Ends
    {
        private readonly HashSet<int> _ended = [];
        private readonly Dictionary<int, int> _received = [];

        public long BudgetLeft { get; set; } = new MuxOptions().WindowBudget;

        public bool IsEndedByOther(int id) => _ended.Contains(id);

        public int Received(int id) => _received.GetValueOrDefault(id);

        public void OtherSent(List<byte[]> frames)
        {
            foreach (FrameSnapshot frame in FrameTranscript.Read(frames.Select(frame => frame.AsMemory()), wholeFrames: true).Frames)
            {
                _received[frame.Id] = Received(frame.Id) + (frame.Data.Length / 2);
                if (frame.Type == FrameType.End)
                {
                    _ended.Add(frame.Id);
                }
            }
        }
    }
}
