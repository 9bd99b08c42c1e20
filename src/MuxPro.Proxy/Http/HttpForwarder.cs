using System.Globalization;
using MuxPro.Proxy.Shared;

namespace MuxPro.Proxy.Http;

/// <summary>
/// Carries one plain HTTP request to its origin and the response back. Both are followed by their framing, so no byte of a later request
/// goes to an origin that it was not meant for; both connections end with the response.
/// </summary>
internal sealed class HttpForwarder(HttpRequest request, HandshakeReader clientReader, Stream client, Link session, TimeProvider time)
{
    private const int BodyBuffer = 32 * 1024;
    private const int SwitchingProtocols = 101;
    private static readonly TimeSpan SilenceTimeout = TimeSpan.FromSeconds(30);

    private readonly Stream _origin = session.AsStream();

    /// <summary>Bytes to the origin.</summary>
    public long Up { get; private set; }

    /// <summary>Bytes to the application.</summary>
    public long Down { get; private set; }

    /// <summary>Whether the last head went to the application: then there is no other answer any more.</summary>
    public bool HasAnswered { get; private set; }

    /// <exception cref="HttpStatusException">What came from the origin is no response.</exception>
    /// <exception cref="IOException">The application or the origin went away.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        byte[] head = request.ToOrigin();
        await _origin.WriteAsync(head, cancellationToken);
        Up += head.Length;

        using var answer = new IdleLimitStream(_origin, SilenceTimeout, time, () => session.Abort(
            new SessionException(ErrorCode.OperationTimeout, "The origin did not go on with its answer, and the application has closed.")));
        using var answered = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task<bool> upload = UploadAsync(answer, answered.Token);
        try
        {
            await AnswerAsync(answer, cancellationToken);
        }
        finally
        {
            await answered.CancelAsync();
            if (!await upload)
            {
                session.Abort();
            }
        }
    }

    /// <returns>Whether the request went out as a whole.</returns>
    private async Task<bool> UploadAsync(IdleLimitStream answer, CancellationToken cancellationToken)
    {
        bool isWhole = false;
        try
        {
            clientReader.EnsureCapacity(request.Body == HttpBody.None ? 0 : BodyBuffer);
            await request.Body.Scan().CopyAsync(clientReader, _origin, moved => Up += moved, cancellationToken);
            isWhole = true;

            // From here on only a reset or the end of the application is of interest; what it sends beyond its request goes nowhere.
            byte[] beyond = new byte[64];
            while (await client.ReadAsync(beyond, cancellationToken) > 0)
            {
            }

            // It may wait for the answer, or be gone as a whole: there is no telling.
            answer.Limit();
        }
        catch (Exception exception) when (exception is EndOfStreamException or FormatException || (isWhole && exception is IOException))
        {
            session.Abort(exception);
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // The origin takes no more; what it has to say about that is the response.
        }

        return isWhole;
    }

    private async Task AnswerAsync(IdleLimitStream answer, CancellationToken cancellationToken)
    {
        var originReader = new HandshakeReader(answer);
        try
        {
            while (true)
            {
                ReadOnlyMemory<byte> bytes = await originReader.ReadHeadAsync(HttpHandshake.MaxHead, cancellationToken)
                    ?? throw new HttpStatusException(502, $"{request.Destination}: the head of the response is too large")
                    {
                        ProxyError = "http_response_header_section_size",
                    };
                HttpHead head = HttpHead.Parse(bytes.Span);
                int status = ParseStatus(head.StartLine);
                bool isLast = status >= 200;
                HttpBody body = isLast ? HttpBody.OfResponse(head, status, request.Method) : HttpBody.None;
                if (isLast)
                {
                    head.MakeLastOfConnection();
                }
                else
                {
                    head.RemoveFraming();
                    head.Remove("Connection");
                }

                byte[] bytesOfHead = head.ToBytes(head.StartLine);
                HasAnswered = isLast;
                await client.WriteAsync(bytesOfHead, cancellationToken);
                Down += bytesOfHead.Length;
                if (isLast)
                {
                    originReader.EnsureCapacity(BodyBuffer);
                    await body.Scan().CopyAsync(originReader, client, moved => Down += moved, cancellationToken);
                    return;
                }
            }
        }
        catch (FormatException exception) when (!HasAnswered)
        {
            throw new HttpStatusException(502, $"{request.Destination}: the response has {exception.Message}", exception) { ProxyError = "http_protocol_error" };
        }
    }

    private static int ParseStatus(string line)
    {
        // | HTTP/1.x | status | reason |
        bool isStatus = line.StartsWith("HTTP/1.", StringComparison.Ordinal) && line.Length >= 12 && line[8] == ' '
            && (line.Length == 12 || line[12] == ' ');
        return isStatus && int.TryParse(line.AsSpan(9, 3), NumberStyles.None, CultureInfo.InvariantCulture, out int status)
            && status >= 100 && status != SwitchingProtocols
            ? status
            : throw new FormatException("a status line that is none");
    }
}
