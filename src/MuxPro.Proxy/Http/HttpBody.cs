using MuxPro.Proxy.Shared;

namespace MuxPro.Proxy.Http;

/// <summary>How the end of an HTTP/1 body is found (RFC 9112 6.3).</summary>
internal abstract record HttpBody
{
    public static HttpBody None { get; } = new OfLength(0);

    /// <summary>Ends with the connection.</summary>
    public static HttpBody UntilClose { get; } = new OfLength(null);

    /// <exception cref="FormatException">Two readers could understand the request differently.</exception>
    public static HttpBody OfRequest(HttpHead head)
    {
        IReadOnlyList<string> codings = head.TransferEncodings();
        long? length = head.ContentLength();
        if (codings.Count == 0)
        {
            OneLength(head, length);
            return new OfLength(length ?? 0);
        }

        if (length is not null)
        {
            throw new FormatException("both Content-Length and Transfer-Encoding");
        }

        // RFC 9112 6.1: the version does not know it, so whoever sent it and whoever gets it may differ on where the body ends.
        if (head.IsVersion10)
        {
            throw new FormatException("a Transfer-Encoding in HTTP/1.0");
        }

        return codings is ["chunked"] ? new InChunks() : throw new FormatException("a Transfer-Encoding other than chunked");
    }

    /// <exception cref="FormatException">Two readers could understand the response differently.</exception>
    public static HttpBody OfResponse(HttpHead head, int status, string requestMethod)
    {
        IReadOnlyList<string> codings = head.TransferEncodings();
        if (codings.Count > 0 && head.IsVersion10)
        {
            throw new FormatException("a Transfer-Encoding in HTTP/1.0");
        }

        if (status == 204)
        {
            head.RemoveFraming();
        }

        if (requestMethod == "HEAD" || status is 204 or 304)
        {
            return None;
        }

        long? length = head.ContentLength();
        if (codings.Count > 0)
        {
            return length is not null ? throw new FormatException("both Content-Length and Transfer-Encoding")
                : codings[^1] == "chunked" ? new InChunks() : UntilClose;
        }

        OneLength(head, length);
        return length is null ? UntilClose : new OfLength(length.Value);
    }

    private static void OneLength(HttpHead head, long? length)
    {
        if (length is { } known)
        {
            head.SetContentLength(known);
        }
    }

    /// <summary>Whether its end can be told from the end of the connection.</summary>
    public bool IsDelimited => this != UntilClose;

    /// <summary>A fresh scanner of the body's bytes.</summary>
    public abstract HttpBodyScanner Scan();

    private sealed record OfLength(long? Length) : HttpBody
    {
        public override HttpBodyScanner Scan() => new LengthScanner(Length);
    }

    private sealed record InChunks : HttpBody
    {
        public override HttpBodyScanner Scan() => new ChunkScanner();
    }
}

/// <summary>Finds the end of a body that is passed on as it comes.</summary>
internal abstract class HttpBodyScanner
{
    /// <summary>Whether the whole body was seen.</summary>
    public abstract bool IsDone { get; }

    /// <summary>Whether the end of the connection is an end of the body.</summary>
    public virtual bool MayEndHere => IsDone;

    /// <summary>Takes the next bytes.</summary>
    /// <returns>How many of them belong to the body.</returns>
    /// <exception cref="FormatException">They are no body of this kind.</exception>
    public abstract int Take(ReadOnlySpan<byte> bytes);

    /// <summary>Copies one body, no byte more.</summary>
    /// <param name="source">Where it comes from.</param>
    /// <param name="target">Where it goes.</param>
    /// <param name="moved">Gets how many more bytes of the wire went, also where the copy fails later.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task CopyAsync(HandshakeReader source, Stream target, Action<int> moved, CancellationToken cancellationToken)
    {
        while (!IsDone)
        {
            if (source.Buffered.IsEmpty && !await FillAsync(source, cancellationToken))
            {
                if (MayEndHere)
                {
                    return;
                }

                throw new EndOfStreamException("The connection ended in the middle of a body.");
            }

            int taken = Take(source.Buffered.Span);
            await target.WriteAsync(source.Buffered[..taken], cancellationToken);
            source.Consume(taken);
            moved(taken);
        }
    }

    // A failed read is told apart from a failed write: the callers blame the right side.
    private static async ValueTask<bool> FillAsync(HandshakeReader source, CancellationToken cancellationToken)
    {
        try
        {
            return await source.FillAsync(cancellationToken);
        }
        catch (IOException exception)
        {
            throw new EndOfStreamException(exception.Message, exception);
        }
    }
}

internal sealed class LengthScanner(long? length) : HttpBodyScanner
{
    private readonly bool _untilClose = length is null;
    private long _left = length ?? long.MaxValue;

    public override bool IsDone => _left == 0;

    public override bool MayEndHere => IsDone || _untilClose;

    public override int Take(ReadOnlySpan<byte> bytes)
    {
        int taken = (int)Math.Min(bytes.Length, _left);
        _left -= _untilClose ? 0 : taken;
        return taken;
    }
}
