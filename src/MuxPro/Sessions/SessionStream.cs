using System.Runtime.CompilerServices;

namespace MuxPro.Sessions;

/// <summary>A session as a stream: reads copy straight out of what was received, writes straight into what is to be sent.</summary>
internal sealed class SessionStream(Session session, SessionInput input, SessionOutput output) : DuplexStream
{
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (buffer.IsEmpty)
        {
            // A read of nothing waits for something: so that a reader needs no buffer while it is idle.
            await input.WaitAsync(cancellationToken).ConfigureAwait(false);
            return 0;
        }

        int read;
        while (!input.TryRead(buffer.Span, out read))
        {
            await input.WaitAsync(cancellationToken).ConfigureAwait(false);
        }

        return read;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer)
    {
        int read;
        while (!input.TryRead(buffer, out read))
        {
            input.WaitAsync(CancellationToken.None).AsTask().GetAwaiter().GetResult();
        }

        return read;
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        => output.WriteAllAsync(buffer, cancellationToken);

    public override ValueTask DisposeAsync()
    {
        session.Close();
        return base.DisposeAsync();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            session.Close();
        }

        base.Dispose(disposing);
    }
}
