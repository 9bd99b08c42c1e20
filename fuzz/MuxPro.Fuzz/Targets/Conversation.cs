using System.Buffers;
using System.IO.Pipelines;
using MuxPro.Buffers;
using MuxPro.Protocol;

namespace MuxPro.Fuzz;

/// <summary>The other end of the main connection that is tried, and what must come in time.</summary>
internal static class Conversation
{
    // Pieces of this size let the first frames be worked on while the last are on their way.
    private const int Piece = 128;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    /// <summary>Sends all of it, as far as the other end takes it, and closes.</summary>
    public static async Task SendAsync(PipeWriter output, byte[] input)
    {
        try
        {
            for (int start = 0; start < input.Length; start += Piece)
            {
                FlushResult result = await output
                    .WriteAsync(input.AsMemory(start, Math.Min(Piece, input.Length - start))).AsTask()
                    .WaitAsync(Limit).ConfigureAwait(false);
                if (result.IsCompleted)
                {
                    return;
                }

                await Task.Yield();
            }
        }
        catch (IOException)
        {
            // The other end has closed the main connection.
        }
        finally
        {
            await output.CompleteAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Reads frames, and nothing else, until the other end closes.</summary>
    /// <param name="input">What the other end sends.</param>
    /// <param name="reader">A reader that has read nothing yet.</param>
    /// <param name="isKnown">Whether it is a reader of what is spoken; otherwise the first frame says what that is.</param>
    public static async Task ReadAsync(PipeReader input, FrameReader reader, bool isKnown = false)
    {
        const int State = 4;
        try
        {
            while (true)
            {
                ReadResult result = await input.ReadAsync().ConfigureAwait(false);
                ReadOnlySequence<byte> buffer = result.Buffer;
                if (!isKnown && buffer.Length > State)
                {
                    // A negotiation is answered by one (SPEC 5); Mux.Cool has none (SPEC 9).
                    reader.IsMuxCool = buffer.Slice(State).FirstSpan[0] != (byte)FrameType.NegotiateVersion;
                    isKnown = true;
                }

                while (Read(ref reader, ref buffer))
                {
                }

                Ensure(!result.IsCompleted || buffer.IsEmpty, "It closed inside a frame");
                input.AdvanceTo(buffer.Start, result.Buffer.End);
                if (result.IsCompleted)
                {
                    return;
                }
            }
        }
        catch (IOException)
        {
            // Closed at once.
        }
        finally
        {
            await input.CompleteAsync().ConfigureAwait(false);
        }
    }

    public static async Task WaitAsync(Task task, string complaint)
    {
        try
        {
            await task.WaitAsync(Limit).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            throw new InvalidOperationException($"{complaint} within {Limit}.");
        }
    }

    /// <summary>Sends back each datagram, until the flow ends.</summary>
    public static async Task EchoAsync(DatagramLink flow)
    {
        while (await flow.ReceiveAsync().ConfigureAwait(false) is { } datagram)
        {
            await flow.SendAsync(datagram.Data, datagram.Address).ConfigureAwait(false);
        }
    }

    /// <summary>When both ends are gone: no slab, no session, and nothing to complain of.</summary>
    public static async Task EnsureNothingIsLeftAsync(long slabsBefore, int sessions, Complaints complaints)
    {
        await UntilAsync(() => Slab.Rented <= slabsBefore, () => $"{Slab.Rented - slabsBefore} slabs are lost").ConfigureAwait(false);
        Ensure(sessions == 0, $"{sessions} sessions are left");
        Ensure(complaints.First is null, $"It failed inside: {complaints.First}");
    }

    public static void Ensure(bool condition, string complaint)
    {
        if (!condition)
        {
            throw new InvalidOperationException(complaint);
        }
    }

    private static async Task UntilAsync(Func<bool> condition, Func<string> complaint)
    {
        long start = TimeProvider.System.GetTimestamp();
        while (!condition())
        {
            Ensure(TimeProvider.System.GetElapsedTime(start) < Limit, complaint());
            await Task.Yield();
        }
    }

    private static bool Read(ref FrameReader reader, ref ReadOnlySequence<byte> buffer)
    {
        FrameReadStatus status = reader.TryRead(ref buffer, out Frame frame, out FrameError error);
        if (frame.Type == FrameType.NegotiateVersion && frame.VersionCount > 0)
        {
            reader.Version = frame.GetVersion(0);
        }

        Ensure(status != FrameReadStatus.Malformed && !frame.HasFault, $"It sends no frames: {error} {frame.Fault}");
        return status == FrameReadStatus.Frame;
    }
}
