using System.Globalization;
using MuxPro.Proxy.Shared;

namespace MuxPro.Proxy.Http;

/// <summary>
/// Carries one plain HTTP request to its origin and the response back. Both are followed by their framing, so no byte of a later request
/// goes to an origin that it was not meant for. Where the origin agrees to another protocol, what follows is carried as it comes.
/// </summary>
/// <param name="request">The request.</param>
/// <param name="applicationReader">Has the rest of the request.</param>
/// <param name="application">The application's connection.</param>
/// <param name="origin">The connection to the origin.</param>
/// <param name="retiring">Has the application's connection end with the response.</param>
internal sealed class HttpForwarder(
    HttpRequest request, HandshakeReader applicationReader, Link application, HttpOrigin origin, CancellationToken retiring)
{
    private const int SwitchingProtocols = 101;

    private volatile bool _isUploaded;
    private volatile bool _hasApplicationEnded;
    private HttpBody _body = HttpBody.None;

    /// <summary>Whether anything came from the origin.</summary>
    public bool HasHeard { get; private set; }

    /// <summary>Whether the last head went to the application: then there is no other answer any more.</summary>
    public bool HasAnswered { get; private set; }

    /// <summary>Whether an end of its connection in the middle of the response shows the application that it is not all.</summary>
    public bool ShowsCut => _body.IsDelimited;

    /// <summary>Whether the origin's connection can carry another request.</summary>
    public bool KeepsOrigin { get; private set; }

    /// <summary>Whether both connections carried another protocol, and ended with it.</summary>
    public bool IsOver { get; private set; }

    /// <summary>Whether the application's connection can carry another request.</summary>
    public bool KeepsApplication { get; private set; }

    /// <exception cref="HttpStatusException">What came from the origin is no response.</exception>
    /// <exception cref="EndOfStreamException">The origin went away.</exception>
    /// <exception cref="FormatException">The rest of the response is none.</exception>
    /// <exception cref="IOException">The application or the origin went away.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        byte[] head = request.ToOrigin();
        await origin.Requests.WriteAsync(head, cancellationToken);
        origin.Up += head.Length;

        using var answered = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task upload = UploadAsync(answered.Token);
        bool isUpgraded = false;
        try
        {
            isUpgraded = await AnswerAsync(cancellationToken);
        }
        finally
        {
            await answered.CancelAsync();
            await upload;
            if (!_isUploaded)
            {
                KeepsOrigin = false;
                origin.Link.Abort();
            }
        }

        if (isUpgraded)
        {
            await TunnelAsync(cancellationToken);
        }
    }

    private async Task UploadAsync(CancellationToken answered)
    {
        try
        {
            await request.Body.Scan().CopyAsync(applicationReader, origin.Requests, moved => origin.Up += moved, answered);
            _isUploaded = true;

            // From here on a reset or the end of the application is of interest; what it sends beyond its request waits.
            bool? hasCome = true;
            while (hasCome is true && applicationReader.Buffered.Length < HttpHandshake.MaxHead)
            {
                hasCome = await applicationReader.WatchAsync(answered);
            }

            if (hasCome is false)
            {
                // It may wait for the answer, or be gone as a whole: there is no telling.
                _hasApplicationEnded = true;
                origin.LimitSilence();
            }
        }
        catch (Exception exception) when (exception is EndOfStreamException or FormatException || (_isUploaded && exception is IOException))
        {
            origin.Link.Abort(exception);
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // The origin takes no more; what it has to say about that is the response.
        }
    }

    /// <returns>Whether another protocol follows.</returns>
    private async Task<bool> AnswerAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                HttpHead head = HttpHead.Parse((await ReadHeadAsync(cancellationToken)).Span);
                int status = ParseStatus(head.StartLine);
                if (status >= 200)
                {
                    await AnswerAsync(head, status, cancellationToken);
                    return false;
                }

                bool isUpgrade = status == SwitchingProtocols;
                head.RemoveFraming();
                head.PassOn(isUpgrade ? HttpHead.Upgrade : null);
                HasAnswered = isUpgrade;
                _body = isUpgrade ? HttpBody.UntilClose : HttpBody.None;

                // RFC 9110 15.2: HTTP/1.0 has no interim responses.
                if (!request.Head.IsVersion10)
                {
                    await SendAsync(head.ToBytes(head.StartLine, []), cancellationToken);
                }

                if (isUpgrade)
                {
                    return true;
                }
            }
        }
        catch (FormatException exception) when (!HasAnswered)
        {
            throw new HttpStatusException(502, $"{request.Destination}: the response has {exception.Message}", exception)
            {
                ProxyError = "http_protocol_error",
            };
        }
    }

    private async Task AnswerAsync(HttpHead head, int status, CancellationToken cancellationToken)
    {
        _body = HttpBody.OfResponse(head, status, request.Method);
        bool isPersistent = request.IsPersistent && _body.IsDelimited && !head.IsVersion10;
        bool keepsOrigin = isPersistent && head.IsPersistent;

        // The rest of a request that was answered early has no place: the connection ends, and the application is told before.
        bool keepsApplication = isPersistent && _isUploaded && !_hasApplicationEnded && !retiring.IsCancellationRequested;
        head.PassOn(keepsApplication ? null : HttpHead.Close);
        HttpBodyScanner body = _body.Scan();
        int taken = body.Take(origin.Answers.Buffered.Span);
        byte[] bytes = head.ToBytes(head.StartLine, origin.Answers.Buffered.Span[..taken]);
        origin.Answers.Consume(taken);
        HasAnswered = true;
        await SendAsync(bytes, cancellationToken);
        await body.CopyAsync(origin.Answers, application.AsStream(), moved => origin.Down += moved, cancellationToken);
        KeepsOrigin = keepsOrigin && origin.Answers.Buffered.IsEmpty;
        KeepsApplication = keepsApplication;
    }

    private async ValueTask<ReadOnlyMemory<byte>> ReadHeadAsync(CancellationToken cancellationToken)
    {
        ReadOnlyMemory<byte>? bytes = await origin.Answers.ReadHeadAsync(HttpHandshake.MaxHead, cancellationToken);
        HasHeard = true;
        return bytes ?? throw new HttpStatusException(502, $"{request.Destination}: the head of the response is too large")
        {
            ProxyError = "http_response_header_section_size",
        };
    }

    private async ValueTask SendAsync(byte[] bytes, CancellationToken cancellationToken)
    {
        await application.AsStream().WriteAsync(bytes, cancellationToken);
        origin.Down += bytes.Length;
    }

    /// <exception cref="IOException">One of the two failed.</exception>
    private async Task TunnelAsync(CancellationToken cancellationToken)
    {
        IsOver = true;
        RelayResult result = await Relay.RunAsync(
            new PrefixedLink(applicationReader, application), new PrefixedLink(origin.Answers, origin.Link), cancellationToken);
        origin.Up += result.BytesForward;
        origin.Down += result.BytesBackward;
        if (result.Error is { } error)
        {
            throw new IOException(error.Message, error);
        }
    }

    private int ParseStatus(string line)
    {
        // | HTTP/1.x | status | reason |
        bool isStatus = line.StartsWith("HTTP/1.", StringComparison.Ordinal) && line.Length >= 12 && line[8] == ' '
            && (line.Length == 12 || line[12] == ' ');
        return isStatus && int.TryParse(line.AsSpan(9, 3), NumberStyles.None, CultureInfo.InvariantCulture, out int status)
            && status >= 100 && (status != SwitchingProtocols || request.IsUpgrade)
            ? status
            : throw new FormatException("a status line that is none");
    }
}
