using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;

namespace MuxPro.Proxy.Tests.Support;

/// <summary>A UDP service on a free port of 127.0.0.1 that answers each datagram, and keeps where they came from.</summary>
internal sealed class UdpEcho : IAsyncDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { ReceiveBufferSize = 4 * 1024 * 1024 };
    private readonly Channel<IPEndPoint> _seen = Channel.CreateUnbounded<IPEndPoint>();
    private readonly CancellationTokenSource _stopping = new();
    private readonly Func<byte[], byte[]>? _answer;
    private readonly Task _running;
    private int _smallest = int.MaxValue;
    private long _received;

    public UdpEcho()
        : this(static data => data)
    {
    }

    /// <param name="answer">Makes the answers, or <see langword="null"/> for none.</param>
    public UdpEcho(Func<byte[], byte[]>? answer)
    {
        _answer = answer;
        _socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _running = RunAsync();
    }

    public int Port => ((IPEndPoint)_socket.LocalEndPoint!).Port;

    public Destination Destination => Destination.Udp(IPAddress.Loopback, Port);

    public long Received => Interlocked.Read(ref _received);

    /// <summary>The length of the shortest datagram so far.</summary>
    public int Smallest => Volatile.Read(ref _smallest);

    /// <summary>Where the next datagram came from that was not asked for yet.</summary>
    public async Task<IPEndPoint> SeenAsync() => await _seen.Reader.ReadAsync(TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _running;
        _socket.Dispose();
        _stopping.Dispose();
    }

    private async Task RunAsync()
    {
        byte[] buffer = new byte[65_536];
        try
        {
            while (true)
            {
                SocketReceiveFromResult received = await _socket.ReceiveFromAsync(
                    buffer, SocketFlags.None, new IPEndPoint(IPAddress.Any, 0), _stopping.Token);
                Interlocked.Increment(ref _received);
                Volatile.Write(ref _smallest, Math.Min(_smallest, received.ReceivedBytes));
                _seen.Writer.TryWrite((IPEndPoint)received.RemoteEndPoint);
                if (_answer is not null)
                {
                    await _socket.SendToAsync(_answer(buffer[..received.ReceivedBytes]), SocketFlags.None, received.RemoteEndPoint, _stopping.Token);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The end.
        }
    }
}
