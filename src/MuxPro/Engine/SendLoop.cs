using MuxPro.Core;
using MuxPro.Diagnostics;
using MuxPro.Sessions;
using MuxPro.Transports;

namespace MuxPro.Engine;

/// <summary>
/// The send loop: pulls frames out of the sessions when the transport can take more. It waits for the transport and for a signal.
/// </summary>
internal sealed class SendLoop(
    Lock gate, MainConnection connection, SessionContext context, Transport transport, FrameCutter cutter, PeerWatch watch,
    MuxMetrics metrics)
{
    private readonly AsyncSignal _signal = new();
    private long _bytesSent; // written by this loop alone

    /// <summary>Bytes that were sent, frames and all.</summary>
    public long BytesSent => Volatile.Read(ref _bytesSent);

    /// <summary>There may be something to send.</summary>
    /// <param name="inline">Whether it may be sent on this thread, before this method returns.</param>
    public void Wake(bool inline = false) => _signal.Set(inline);

    public async Task RunAsync()
    {
        try
        {
            bool inline = false;
            while (true)
            {
                bool more = FillBatch();
                cutter.Batch.CopyBorrowed();
                cutter.TellSessions();
                if (cutter.Batch.IsEmpty)
                {
                    if (connection.Failure is not null)
                    {
                        return;
                    }

                    // What is held back for the sake of a higher priority goes first.
                    if (!more && connection.TakeClose())
                    {
                        await transport.CompleteWritesAsync().ConfigureAwait(false);
                    }

                    await _signal.WaitAsync().ConfigureAwait(false);
                    inline = _signal.ResumedInline;
                    continue;
                }

                ValueTask send = transport.SendAsync(cutter.Batch);
                inline &= send.IsCompleted;
                await send.ConfigureAwait(false);
                OnSent();
                if (inline && more)
                {
                    // The caller of an inline send came with little to send; it must not be kept to send everybody's data.
                    await Task.Yield();
                    inline = false;
                }
            }
        }
        catch (Exception exception)
        {
            // Whatever a transport throws (TLS has exceptions of its own) ends the main connection, and with it the other loop.
            connection.Fail(MainConnectionEnd.TransportFailed, $"Sending failed: {exception.Message}", exception);
        }
        finally
        {
            cutter.Batch.Clear();
            lock (gate)
            {
                watch.OnSent();
            }
        }
    }

    /// <summary>Cuts frames until the batch is full or nobody may send.</summary>
    /// <returns>Whether there is more than went into the batch.</returns>
    private bool FillBatch()
    {
        lock (gate)
        {
            cutter.Batch.Clear();
            if (connection.Failure is not null)
            {
                return false;
            }

            cutter.Cut();
            if (!cutter.Batch.IsEmpty)
            {
                watch.OnSending(context.Now);
            }

            return context.Version is not null && cutter.HasMore;
        }
    }

    private void OnSent()
    {
        metrics.Sent(cutter.Batch.Length);
        Volatile.Write(ref _bytesSent, _bytesSent + cutter.Batch.Length);
        lock (gate)
        {
            watch.OnSent();
        }

        cutter.Batch.Clear();
    }
}
