using System.Net.Sockets;

namespace MuxPro;

/// <summary>
/// Watches a relay of which one direction has ended. Who ended it may wait for the answer, or be gone as a whole: nobody reads its socket
/// any more, and where the other side says nothing, nobody writes to it either. So its socket is asked now and then.
/// </summary>
internal sealed class HalfClose : IDisposable
{
    // As often as TCP keep-alive asks, which is what finds out.
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(15);

    private readonly Socket? _socket;
    private readonly RelayDirection _open;
    private readonly TimeSpan _timeout;
    private readonly TimeProvider _time;
    private readonly Action<Exception> _over;
    private readonly ITimer _timer;
    private long _bytes;
    private long _moved; // when bytes last went

    /// <param name="socket">The socket of the side that has ended its direction, where it has one.</param>
    /// <param name="open">The direction that goes on.</param>
    /// <param name="timeout">How long that may be silent.</param>
    /// <param name="time">The clock.</param>
    /// <param name="over">Is told why the relay is to end.</param>
    public HalfClose(Socket? socket, RelayDirection open, TimeSpan timeout, TimeProvider time, Action<Exception> over)
    {
        (_socket, _open, _timeout, _time, _over) = (socket, open, timeout, time, over);
        (_bytes, _moved) = (open.Bytes, time.GetTimestamp());
        TimeSpan period = timeout == Timeout.InfiniteTimeSpan || timeout > Period ? Period : timeout;
        _timer = time.CreateTimer(static watch => ((HalfClose)watch!).Look(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _timer.Change(period, period);
    }

    public void Dispose() => _timer.Dispose();

    private void Look()
    {
        if (ErrorOf(_socket) is { } error)
        {
            _over(error);
            return;
        }

        long bytes = _open.Bytes;
        if (bytes != _bytes)
        {
            (_bytes, _moved) = (bytes, _time.GetTimestamp());
        }
        else if (_timeout != Timeout.InfiniteTimeSpan && _time.GetElapsedTime(_moved) >= _timeout)
        {
            _over(new TimeoutException($"One side had ended, and the other said nothing for {_timeout.TotalSeconds} s."));
        }
    }

    /// <summary>What the kernel knows of a connection that nobody reads or writes.</summary>
    private static SocketException? ErrorOf(Socket? socket)
    {
        try
        {
            return socket?.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.Error) is int error and not 0
                ? new SocketException((int)SocketError.ConnectionReset, $"The connection was lost (error {error}).") : null;
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // It ends already.
            return null;
        }
    }
}
