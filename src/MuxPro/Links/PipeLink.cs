using System.IO.Pipelines;

namespace MuxPro;

/// <summary>A link over two pipes.</summary>
internal sealed class PipeLink(IDuplexPipe pipe) : Link
{
    private Stream? _stream;

    public override PipeReader Input => pipe.Input;

    public override PipeWriter Output => pipe.Output;

    internal static new (Link First, Link Second) CreatePair(int bufferSize)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bufferSize);
        var options = new PipeOptions(
            pauseWriterThreshold: bufferSize, resumeWriterThreshold: Math.Max(1, bufferSize / 2), useSynchronizationContext: false);
        var there = new Pipe(options);
        var back = new Pipe(options);
        return (new PipeLink(new Ends(back.Reader, there.Writer)), new PipeLink(new Ends(there.Reader, back.Writer)));
    }

    public override Stream AsStream() => _stream ??= new DuplexPipeStream(this);

    public override void Abort(Exception? reason = null)
    {
        reason ??= new IOException("The link was aborted.");
        pipe.Output.CancelPendingFlush();
        pipe.Input.CancelPendingRead();
        pipe.Output.Complete(reason);
        pipe.Input.Complete(reason);
    }

    public override async ValueTask DisposeAsync()
    {
        await pipe.Output.CompleteAsync().ConfigureAwait(false);
        await pipe.Input.CompleteAsync().ConfigureAwait(false);
    }

    private sealed record Ends(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
