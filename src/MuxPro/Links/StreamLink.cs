using System.IO.Pipelines;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;

namespace MuxPro;

/// <summary>A link over a stream. The pipes are made when somebody asks for them; the engine and the relay use the stream itself.</summary>
internal class StreamLink : Link
{
    private static readonly StreamPipeReaderOptions ReaderOptions = new(bufferSize: 16 * 1024, leaveOpen: true, useZeroByteReads: true);
    private static readonly StreamPipeWriterOptions WriterOptions = new(minimumBufferSize: 16 * 1024, leaveOpen: true);

    private readonly Stream _stream;
    private PipeReader? _input;
    private PipeWriter? _output;
    private int _disposed;

    public StreamLink(Stream stream, Socket? socket)
    {
        ArgumentNullException.ThrowIfNull(stream);
        if (!stream.CanRead || !stream.CanWrite)
        {
            throw new ArgumentException("The stream of a link must read and write.", nameof(stream));
        }

        _stream = stream;
        Socket = socket;
        RemoteEndPoint = TryRemoteEndPoint(socket);
    }

    /// <summary>The socket below the stream, where it is known.</summary>
    public Socket? Socket { get; }

    public override EndPoint? RemoteEndPoint { get; }

    public override PipeReader Input => _input ??= PipeReader.Create(_stream, ReaderOptions);

    public override PipeWriter Output => _output ??= new ShutdownPipeWriter(this, PipeWriter.Create(_stream, WriterOptions));

    public static new StreamLink FromSocket(Socket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        if (socket.ProtocolType == ProtocolType.Tcp)
        {
            socket.NoDelay = true;
        }

        return new StreamLink(new NetworkStream(socket, ownsSocket: true), socket);
    }

    /// <summary>What is between TLS and the socket, where this library put it there.</summary>
    public RecordStream? Records { get; private init; }

    public static async ValueTask<Link> StartTlsAsync(Socket socket, Func<SslStream, Task> authenticate)
    {
        ArgumentNullException.ThrowIfNull(socket);
        var records = new RecordStream(socket);
        var tls = new SslStream(records);
        try
        {
            await authenticate(tls).ConfigureAwait(false);
            return new StreamLink(tls, socket) { Records = records };
        }
        catch
        {
            await tls.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public override Stream AsStream() => _stream;

    /// <summary>Ends this end's direction, where the transport can say so; the other direction goes on.</summary>
    public virtual async ValueTask CompleteWritesAsync()
    {
        try
        {
            await _stream.FlushAsync().ConfigureAwait(false);
            if (_stream is SslStream tls)
            {
                await tls.ShutdownAsync().ConfigureAwait(false);
                await tls.FlushAsync().ConfigureAwait(false);
            }
            else if (_stream is DuplexPipeStream pipe)
            {
                await pipe.CompleteWritesAsync().ConfigureAwait(false);
            }

            Shutdown();
        }
        catch (Exception exception)
            when (exception is IOException or SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // The other end is gone: there is nobody to tell.
        }
    }

    private protected virtual void Shutdown()
    {
        try
        {
            Socket?.Shutdown(SocketShutdown.Send);
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // The other end is gone: there is nobody to tell.
        }
    }

    public override void Abort(Exception? reason = null)
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        if (Socket is not null)
        {
            try
            {
                // A zero linger time makes the kernel send a reset instead of an orderly end.
                Socket.LingerState = new LingerOption(true, 0);
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
            {
                // Closed already.
            }

            Socket.Dispose();
        }

        _stream.Dispose();
    }

    public override ValueTask DisposeAsync()
        => Interlocked.Exchange(ref _disposed, 1) == 0 ? _stream.DisposeAsync() : ValueTask.CompletedTask;

    private static EndPoint? TryRemoteEndPoint(Socket? socket)
    {
        try
        {
            return socket?.RemoteEndPoint;
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            return null;
        }
    }

    /// <summary>The pipe writer of a stream, whose completion ends the direction instead of the stream.</summary>
    private sealed class ShutdownPipeWriter(StreamLink link, PipeWriter inner) : PipeWriter
    {
        public override bool CanGetUnflushedBytes => inner.CanGetUnflushedBytes;

        public override long UnflushedBytes => inner.UnflushedBytes;

        public override void Advance(int bytes) => inner.Advance(bytes);

        public override Memory<byte> GetMemory(int sizeHint = 0) => inner.GetMemory(sizeHint);

        public override Span<byte> GetSpan(int sizeHint = 0) => inner.GetSpan(sizeHint);

        public override void CancelPendingFlush() => inner.CancelPendingFlush();

        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
            => inner.FlushAsync(cancellationToken);

        public override void Complete(Exception? exception = null)
        {
            inner.Complete(exception);
            if (exception is not null)
            {
                link.Abort(exception);
            }
            else
            {
                link.Shutdown();
            }
        }

        public override async ValueTask CompleteAsync(Exception? exception = null)
        {
            await inner.CompleteAsync(exception).ConfigureAwait(false);
            if (exception is not null)
            {
                link.Abort(exception);
            }
            else
            {
                await link.CompleteWritesAsync().ConfigureAwait(false);
            }
        }
    }
}
