using System.Buffers;
using System.IO.Pipelines;
using CsCheck;
using MuxPro.Tests.Support;

namespace MuxPro.Tests.Sessions;

/// <summary>
/// Arbitrary sub-connections between two ends with arbitrary options over an arbitrary link, compared with what each must read: a prefix of
/// what was written, all of it where nobody aborts, and the end that the other side gave.
/// </summary>
public sealed class ModelTests
{
    public enum Ending
    {
        /// <summary>Ends its direction as soon as it has written.</summary>
        Early,

        /// <summary>Ends its direction when it has read everything.</summary>
        Late,

        /// <summary>Aborts when it has written.</summary>
        Abort,
    }

    private static readonly Gen<Side> AnySide = Gen.Select(
        Gen.OneOf(Gen.Int[0, 300], Gen.Int[1, 60_000]).Array[0, 6],
        Gen.Frequency((3, Gen.Const(Ending.Early)), (3, Gen.Const(Ending.Late)), (1, Gen.Const(Ending.Abort))),
        Gen.Bool,
        Gen.Int[1, 100_000],
        static (writes, ending, streams, taken) => new Side(writes, ending, streams, taken));

    private static readonly Gen<MuxOptions> AnyOptions = Gen.Select(
        Gen.OneOf(Gen.Int[1, 100], Gen.Int[1, 300_000]),
        Gen.OneOf(Gen.Int[1, 100], Gen.Int[101, 65_535]),
        Gen.Int[0, 3].Select(static i => ((int[])[65_536, 70_000, 1_000_000, 16_777_216])[i]),
        Gen.Int[0, 3].Select(static i => ((long[])[0, 1, 100_000, 64_000_000])[i]),
        Gen.Int[0, 1],
        static (buffer, frame, window, budget, minor) => new MuxOptions
        {
            SendBuffer = buffer,
            MaxFramePayload = frame,
            MaxWindow = window,
            WindowBudget = budget,
            Versions = [minor == 0 ? ProtocolVersion.V0_0 : ProtocolVersion.V0_1, ProtocolVersion.V0_0],
        });

    private static readonly Gen<Faults> AnyLink = Gen.Select(
        Gen.OneOf(Gen.Int[1, 100], Gen.Int[100, 100_000]),
        Gen.OneOf(Gen.Int[1, 100], Gen.Int[100, 100_000]),
        Gen.Frequency((4, Gen.Const(long.MaxValue)), (1, Gen.Long[17, 300_000])),
        static (capacity, chunk, cut) => new Faults { Capacity = capacity, MaxChunk = chunk, CutAfter = cut });

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact(Timeout = MuxPair.Guard)]
    public Task ArbitrarySessions_ReadWhatTheModelSays()
        => Gen.Select(Gen.Select(AnySide, AnySide, Gen.Byte).Array[1, 6], AnyOptions, AnyOptions, AnyLink, AnyLink)
            .SampleAsync(
                static (scripts, client, server, there, back) => RunAsync(scripts, client, server, there, back), iter: 150, threads: 2);

    private static async Task RunAsync(
        (Side Near, Side Far, byte Priority)[] scripts, MuxOptions client, MuxOptions server, Faults there, Faults back)
    {
        bool cut = there.CutAfter < long.MaxValue || back.CutAfter < long.MaxValue;
        (FaultyLink near, FaultyLink far, _, _) = FaultyLink.CreatePair(there, back);
        MuxPair pair;
        try
        {
            pair = await MuxPair.OverAsync(near, far, client, server);
        }
        catch (MainConnectionException) when (cut)
        {
            return;
        }

        await using (pair)
        {
            var work = new List<Task>();
            foreach ((Side nearSide, Side farSide, byte priority) in scripts)
            {
                (Session Near, Session Far) session;
                try
                {
                    session = await pair.OpenAsync(priority);
                }
                catch (Exception exception) when (cut && exception is MuxException or System.Threading.Channels.ChannelClosedException)
                {
                    break;
                }

                // An end that has sent its End cannot grant any more: what is still to come must fit the first window.
                Side left = nearSide with { Early = nearSide.Ending == Ending.Early && farSide.Total <= 65_536 };
                Side right = farSide with { Early = farSide.Ending == Ending.Early && nearSide.Total <= 65_536 };
                work.Add(CheckAsync(session.Near, session.Far, left, right, cut));
            }

            await Task.WhenAll(work);
            if (!cut)
            {
                await Until.TrueAsync(() => pair.Client.ActiveSessions == 0 && pair.Server.ActiveSessions == 0);
                Assert.False(pair.Client.IsClosed || pair.Server.Failure is not null);
            }
        }
    }

    private static async Task CheckAsync(Session near, Session far, Side left, Side right, bool cut)
    {
        Task<Outcome> nearRun = RunSideAsync(near, left, right);
        Task<Outcome> farRun = RunSideAsync(far, right, left);
        Outcome atNear = await nearRun;
        Outcome atFar = await farRun;
        Check(atNear, left, right);
        Check(atFar, right, left);
        await near.DisposeAsync();
        await far.DisposeAsync();
        await Task.WhenAll(near.Completion, far.Completion).WaitAsync(Cancel);
        if (!cut && left.Ending != Ending.Abort && right.Ending != Ending.Abort)
        {
            Assert.Equal((ErrorCode.GracefulShutdown, ErrorCode.GracefulShutdown), (near.EndCode, far.EndCode));
        }

        void Check(Outcome outcome, Side own, Side other)
        {
            if (cut && outcome.Error is MainConnectionException)
            {
                return;
            }

            bool aborts = own.Ending == Ending.Abort || other.Ending == Ending.Abort;
            if (outcome.Error is null)
            {
                // The end of the stream: all of it was read, and the other end had said so.
                Assert.Equal(other.Total, outcome.Read);
                Assert.NotEqual(Ending.Abort, other.Ending);
                return;
            }

            SessionException error = Assert.IsType<SessionException>(outcome.Error);
            Assert.True(aborts, $"Nobody aborted: {error}");
            Assert.Equal(Side.Code, error.ErrorCode);
            Assert.Equal(error.IsRemote ? Ending.Abort : own.Ending, error.IsRemote ? other.Ending : Ending.Abort);
        }
    }

    private static async Task<Outcome> RunSideAsync(Session session, Side own, Side other)
    {
        var allRead = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Task<Outcome> reading = Task.Run(() => ReadAsync(session, own, other, allRead), Cancel);
        try
        {
            await WriteAsync(session, own);
            if (own.Ending == Ending.Abort)
            {
                session.Abort(Side.Code);
            }
            else
            {
                await (own.Early ? Task.CompletedTask : Task.WhenAny(allRead.Task, reading));
                session.CompleteWrites();
            }
        }
        catch (MuxException)
        {
            // The reader says what it was.
        }

        return await reading;
    }

    private static async Task WriteAsync(Session session, Side side)
    {
        long offset = 0;
        foreach (int count in side.Writes)
        {
            if (side.Streams)
            {
                await session.AsStream().WriteAsync(side.Payload.Take(offset, count), Cancel);
            }
            else
            {
                side.Payload.CopyTo(offset, session.Output.GetSpan(count)[..count]);
                session.Output.Advance(count);
                if (count % 3 != 0)
                {
                    await session.Output.FlushAsync(Cancel);
                }
            }

            offset += count;
        }

        if (!side.Early)
        {
            await session.Output.FlushAsync(Cancel);
        }
    }

    private static async Task<Outcome> ReadAsync(Session session, Side own, Side other, TaskCompletionSource allRead)
    {
        long read = 0;
        try
        {
            while (true)
            {
                if (read == other.Total)
                {
                    allRead.TrySetResult();
                }

                ReadResult result = await session.Input.ReadAsync(Cancel);
                ReadOnlySequence<byte> taken = result.Buffer.Slice(0, Math.Min(result.Buffer.Length, own.Taken));
                read += other.Payload.Check(read, taken);
                session.Input.AdvanceTo(taken.End);
                if (result.IsCompleted && taken.Length == result.Buffer.Length)
                {
                    return new Outcome(read, null);
                }
            }
        }
        catch (MuxException exception)
        {
            return new Outcome(read, exception);
        }
    }

    /// <summary>What one end does with a sub-connection.</summary>
    /// <param name="Writes">The lengths that it writes.</param>
    /// <param name="Ending">How it ends.</param>
    /// <param name="Streams">Whether it writes through the stream.</param>
    /// <param name="Taken">Most bytes that it consumes at once.</param>
    private sealed record Side(int[] Writes, Ending Ending, bool Streams, int Taken)
    {
        public const ErrorCode Code = (ErrorCode)0x1234;

        public long Total { get; } = Writes.Sum(static count => (long)count);

        public Payload Payload { get; } = new(Writes.Length + Taken);

        public bool Early { get; init; }
    }

    private sealed record Outcome(long Read, Exception? Error);
}
