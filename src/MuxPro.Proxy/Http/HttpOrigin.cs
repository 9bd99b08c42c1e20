using MuxPro.Proxy.Shared;

namespace MuxPro.Proxy.Http;

/// <summary>
/// A connection to an origin, which carries requests of one application, one after the other. Between two of them it rests, and ends by
/// itself when the origin ends it.
/// </summary>
/// <param name="link">The connection.</param>
/// <param name="time">The clock.</param>
/// <param name="ended">Is told once, and closes the connection.</param>
internal sealed class HttpOrigin(Link link, TimeProvider time, Func<HttpOrigin, ValueTask> ended) : IAsyncDisposable
{
    private static readonly TimeSpan SilenceTimeout = TimeSpan.FromSeconds(30);

    // Less than a server waits for what is open when it is told to stop.
    private static readonly TimeSpan RestTimeout = TimeSpan.FromSeconds(15);

    private readonly IdleLimitStream _answers = new(link.AsStream(), SilenceTimeout, time, () => link.Abort(
        new SessionException(ErrorCode.OperationTimeout, "The origin did not go on with its answer, and the application has closed.")));
    private HandshakeReader? _reader;
    private CancellationTokenSource? _rest;
    private Task _resting = Task.CompletedTask;
    private volatile bool _isResumed;
    private int _disposed;

    public Link Link => link;

    /// <summary>Takes requests.</summary>
    public Stream Requests { get; } = link.AsStream();

    /// <summary>Has answers.</summary>
    public HandshakeReader Answers => _reader ??= new HandshakeReader(_answers);

    /// <summary>Bytes to the origin.</summary>
    public long Up { get; set; }

    /// <summary>Bytes from the origin that the application got.</summary>
    public long Down { get; set; }

    /// <summary>Whether the last request was answered as a whole.</summary>
    public bool IsWhole { get; set; }

    /// <summary>From now on the origin may be silent for half a minute only.</summary>
    public void LimitSilence() => _answers.Limit();

    /// <summary>There is no request for now; where none comes for a while, the connection ends.</summary>
    public void Rest()
    {
        Answers.Shrink();
        _isResumed = false;
        _rest = new CancellationTokenSource(RestTimeout, time);
        _resting = RestAsync(_rest.Token);
    }

    /// <summary>There is a request again.</summary>
    /// <returns>Whether it can be sent here: the origin has neither ended the connection nor said what nobody asked for.</returns>
    public async ValueTask<bool> TryResumeAsync()
    {
        _isResumed = true;
        await _rest!.CancelAsync();
        await _resting;
        _rest.Dispose();
        return Volatile.Read(ref _disposed) == 0;
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            await ended(this);
            await _answers.DisposeAsync();
        }
    }

    private async Task RestAsync(CancellationToken over)
    {
        try
        {
            if (await Answers.WatchAsync(over) is null && _isResumed)
            {
                return;
            }
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            // It has ended, in whatever way.
        }

        await DisposeAsync();
    }
}
