using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Connections;

namespace MuxPro.AspNetCore.Transport;

/// <summary>
/// The pipes of a session, failing as Kestrel expects it of a transport: reading a lost connection throws
/// <see cref="ConnectionResetException"/>, writing to it says that nobody reads. What a client does to its sub-connection would be an error
/// in the log otherwise. Bytes pass as they are.
/// </summary>
internal sealed class SubConnectionTransport(Session session) : IDuplexPipe
{
    public PipeReader Input { get; } = new Reader(session.Input);

    public PipeWriter Output { get; } = new Writer(session.Output);

    private sealed class Reader(PipeReader inner) : PipeReader
    {
        public override bool TryRead(out ReadResult result)
        {
            try
            {
                return inner.TryRead(out result);
            }
            catch (MuxException exception)
            {
                throw Reset(exception);
            }
        }

        public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
        {
            try
            {
                return Settle(inner.ReadAsync(cancellationToken));
            }
            catch (MuxException exception)
            {
                throw Reset(exception);
            }
        }

        public override void AdvanceTo(SequencePosition consumed) => inner.AdvanceTo(consumed);

        public override void AdvanceTo(SequencePosition consumed, SequencePosition examined) => inner.AdvanceTo(consumed, examined);

        public override void CancelPendingRead() => inner.CancelPendingRead();

        public override void Complete(Exception? exception = null) => inner.Complete(exception);

        protected override ValueTask<ReadResult> ReadAtLeastAsyncCore(int minimumSize, CancellationToken cancellationToken)
        {
            try
            {
                return Settle(inner.ReadAtLeastAsync(minimumSize, cancellationToken));
            }
            catch (MuxException exception)
            {
                throw Reset(exception);
            }
        }

        private static ValueTask<ReadResult> Settle(ValueTask<ReadResult> read) => read.IsCompletedSuccessfully ? read : AwaitAsync(read);

        [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
        private static async ValueTask<ReadResult> AwaitAsync(ValueTask<ReadResult> read)
        {
            try
            {
                return await read;
            }
            catch (MuxException exception)
            {
                throw Reset(exception);
            }
        }

        private static ConnectionResetException Reset(MuxException exception) => new(exception.Message, exception);
    }

    private sealed class Writer(PipeWriter inner) : PipeWriter
    {
        private static readonly FlushResult NobodyReads = new(isCanceled: false, isCompleted: true);

        public override bool CanGetUnflushedBytes => inner.CanGetUnflushedBytes;

        public override long UnflushedBytes => inner.UnflushedBytes;

        public override Memory<byte> GetMemory(int sizeHint = 0) => inner.GetMemory(sizeHint);

        public override Span<byte> GetSpan(int sizeHint = 0) => inner.GetSpan(sizeHint);

        public override void Advance(int bytes) => inner.Advance(bytes);

        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
        {
            try
            {
                return Settle(inner.FlushAsync(cancellationToken));
            }
            catch (MuxException)
            {
                return ValueTask.FromResult(NobodyReads);
            }
        }

        public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default)
        {
            try
            {
                return Settle(inner.WriteAsync(source, cancellationToken));
            }
            catch (MuxException)
            {
                return ValueTask.FromResult(NobodyReads);
            }
        }

        public override void CancelPendingFlush() => inner.CancelPendingFlush();

        public override void Complete(Exception? exception = null) => inner.Complete(exception);

        private static ValueTask<FlushResult> Settle(ValueTask<FlushResult> flush)
            => flush.IsCompletedSuccessfully ? flush : AwaitAsync(flush);

        [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
        private static async ValueTask<FlushResult> AwaitAsync(ValueTask<FlushResult> flush)
        {
            try
            {
                return await flush;
            }
            catch (MuxException)
            {
                return NobodyReads;
            }
        }
    }
}
