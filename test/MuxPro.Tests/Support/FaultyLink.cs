using System.IO.Pipelines;

namespace MuxPro.Tests.Support;

/// <summary>A link in memory on which everything can go wrong. The engine uses it as a stream; its pipes only end it.</summary>
internal sealed class FaultyLink : Link
{
    private readonly FaultyDirection _in;
    private readonly FaultyDirection _out;
    private readonly FaultyStream _stream;
    private readonly EndingWriter _writer;

    private FaultyLink(FaultyDirection input, FaultyDirection output)
    {
        _in = input;
        _out = output;
        _stream = new FaultyStream(this);
        _writer = new EndingWriter(output);
    }

    public override PipeReader Input => throw new NotSupportedException();

    public override PipeWriter Output => _writer;

    /// <summary>How often the engine closed this end, in whatever way.</summary>
    public int Closed { get; private set; }

    /// <summary>Two ends, with what goes from the first to the second and back.</summary>
    public static (FaultyLink First, FaultyLink Second, FaultyDirection There, FaultyDirection Back) CreatePair(
        Faults? there = null, Faults? back = null)
    {
        var forth = new FaultyDirection(there ?? new Faults());
        var home = new FaultyDirection(back ?? there ?? new Faults());
        return (new FaultyLink(home, forth), new FaultyLink(forth, home), forth, home);
    }

    public override Stream AsStream() => _stream;

    public override void Abort(Exception? reason = null)
    {
        Closed++;
        _in.Cut(new IOException("The link was aborted.", reason));
        _out.Cut(new IOException("The link was reset."));
    }

    public override ValueTask DisposeAsync()
    {
        Closed++;
        _out.End();
        _in.Cut(new IOException("The link was closed."));
        return ValueTask.CompletedTask;
    }

    private sealed class FaultyStream(FaultyLink link) : Stream
    {
        public override bool CanRead => true;

        public override bool CanWrite => true;

        public override bool CanSeek => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
            => link._in.ReadAsync(buffer, cancellationToken);

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
            => link._out.WriteAsync(buffer, cancellationToken);

        public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }

    private sealed class EndingWriter(FaultyDirection output) : PipeWriter
    {
        public override void Complete(Exception? exception = null) => output.End();

        public override void CancelPendingFlush() => throw new NotSupportedException();

        public override void Advance(int bytes) => throw new NotSupportedException();

        public override Memory<byte> GetMemory(int sizeHint = 0) => throw new NotSupportedException();

        public override Span<byte> GetSpan(int sizeHint = 0) => throw new NotSupportedException();

        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
            => throw new NotSupportedException();
    }
}
