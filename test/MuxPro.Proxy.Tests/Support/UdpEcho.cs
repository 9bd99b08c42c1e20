using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;

namespace MuxPro.Proxy.Tests.Support;

/// <summary>A UDP service on a free port of 127.0.0.1 that answers each datagram, and keeps where they came from.</summary>
internal sealed class UdpEcho : IAsyncDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
    private readonly Channel<IPEndPoint> _seen = Channel.CreateUnbounded<IPEndPoint>();
    private readonly CancellationTokenSource _stopping = new();
    private readonly Func<byte[], byte[]?> _answer;
    private readonly Task _running;
    private long _received;
    private long _answered;

    public UdpEcho()
        : this(static data => data)
    {
    }

    /// <param name="answer">Makes the answers; where it makes <see langword="null"/>, there is none.</param>
    /// <param name="receiveBuffer">Bytes that wait in the kernel; more are dropped.</param>
    public UdpEcho(Func<byte[], byte[]?> answer, int receiveBuffer = 4 * 1024 * 1024)
    {
        _socket.ReceiveBufferSize = receiveBuffer;
        _answer = answer;
        _socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _running = RunAsync();
    }

    public int Port => ((IPEndPoint)_socket.LocalEndPoint!).Port;

    public Destination Destination => Destination.Udp(IPAddress.Loopback, Port);

    public long Received => Interlocked.Read(ref _received);

    public long Answered => Interlocked.Read(ref _answered);

    /// <summary>Datagrams that the kernel had no room for.</summary>
    public long KernelDrops => Support.KernelDrops.Of(_socket);

    /// <summary>Where the next datagram came from that was not asked for yet.</summary>
    public async Task<IPEndPoint> SeenAsync() => await _seen.Reader.ReadAsync(TestContext.Current.CancellationToken);

    public ValueTask<int> SendAsync(byte[] data, IPEndPoint to) => _socket.SendToAsync(data, SocketFlags.None, to, _stopping.Token);

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
                _seen.Writer.TryWrite((IPEndPoint)received.RemoteEndPoint);
                if (_answer(buffer[..received.ReceivedBytes]) is { } answer)
                {
                    Interlocked.Increment(ref _answered);
                    await SendAsync(answer, (IPEndPoint)received.RemoteEndPoint);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The end.
        }
    }
}
