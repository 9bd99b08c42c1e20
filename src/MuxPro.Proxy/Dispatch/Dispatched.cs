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

    /// <summary>Bytes that went to the destination.</summary>
    public long Up { get; set; }

    /// <summary>Bytes that came from it.</summary>
    public long Down { get; set; }

    /// <summary>How it ended, as far as is known.</summary>
    public ErrorCode EndCode { get; set; } = ErrorCode.RemoteDisconnect;

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
        {
            await link.DisposeAsync();
            outbound.Leave();
            dispatcher.Report(destination, outbound, Up, Down, priority, started, TargetFailure.NameOf(EndCode));
        }
    }
}
