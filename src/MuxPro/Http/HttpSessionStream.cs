namespace MuxPro;

/// <summary>
/// The stream of a session as an HTTP client uses it: closing it before the server has ended the stream gives the session up.
/// </summary>
/// <remarks>
/// A client disposes a connection for good in one way, whether a request was cancelled on it or it was idle too long. Ending a session in
/// order would let a server work on, and send what waits to be sent; so only a stream that was read to its end ends in order.
/// </remarks>
internal sealed class HttpSessionStream(Session session) : DuplexStream
{
    private readonly Stream _stream = session.AsStream();
    private volatile bool _ended;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        => Note(await _stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false), buffer.Length);

    public override int Read(Span<byte> buffer) => Note(_stream.Read(buffer), buffer.Length);

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        => _stream.WriteAsync(buffer, cancellationToken);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            if (!_ended)
            {
                session.Abort(ErrorCode.RemoteDisconnect);
            }

            _stream.Dispose();
        }

        base.Dispose(disposing);
    }

    private int Note(int read, int wanted)
    {
        // A read of nothing only waits for something.
        if (read == 0 && wanted > 0)
        {
            _ended = true;
        }

        return read;
    }
}
