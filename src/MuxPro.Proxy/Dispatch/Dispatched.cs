using MuxPro.Proxy.Outbounds;
using MuxPro.Proxy.Shared;

namespace MuxPro.Proxy.Dispatch;

/// <summary>
/// A sub-connection that goes through an outbound. Its disposal ends it, leaves the outbound, and writes the line of the access log.
/// </summary>
/// <param name="link">The way to the destination.</param>
/// <param name="outbound">The outbound, entered.</param>
/// <param name="destination">What was asked for.</param>
/// <param name="priority">The priority that it has on its way.</param>
/// <param name="started">When it was asked for.</param>
/// <param name="dispatcher">Who reached it.</param>
internal sealed class Dispatched(Link link, Outbound outbound, Destination destination, byte priority, long started,
    RoutedDispatcher dispatcher)
    : IAsyncDisposable
{
    private int _isDisposed;

    public Link Link => link;

    public Outbound Outbound => outbound;

    public Destination Destination => destination;

    public ValueTask DisposeAsync() => EndAsync(0, 0, ErrorCode.RemoteDisconnect);

    /// <summary>Disposes of it where it is known how it went. Only the first end counts.</summary>
    /// <param name="up">Bytes that went to the destination.</param>
    /// <param name="down">Bytes that came from it.</param>
    /// <param name="code">How it ended.</param>
    public async ValueTask EndAsync(long up, long down, ErrorCode code)
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
        {
            await link.DisposeAsync();
            outbound.Leave();
            dispatcher.Report(destination, outbound, up, down, priority, started, TargetFailure.NameOf(code));
        }
    }
}
