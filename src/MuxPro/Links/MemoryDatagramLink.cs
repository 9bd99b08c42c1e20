using System.Buffers;
using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace MuxPro;

/// <summary>One end of a flow of datagrams in memory.</summary>
internal sealed class MemoryDatagramLink : DatagramLink
{
    private readonly Channel<Item> _incoming;
    private readonly Channel<Item> _outgoing;
    private byte[]? _held; // the datagram that the receiver has, until its next receive
    private volatile bool _isDisposed;

    private MemoryDatagramLink(Destination destination, Channel<Item> incoming, Channel<Item> outgoing)
    {
        Destination = destination;
        _incoming = incoming;
        _outgoing = outgoing;
    }

    public override Destination Destination { get; }

    public override bool IsFullCone => true;

    internal static new (DatagramLink First, DatagramLink Second) CreatePair(Destination destination, int capacity)
    {
        ArgumentNullException.ThrowIfNull(destination);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(capacity);
        var there = Channel.CreateBounded<Item>(new BoundedChannelOptions(capacity) { SingleReader = true });
        var back = Channel.CreateBounded<Item>(new BoundedChannelOptions(capacity) { SingleReader = true });
        return (new MemoryDatagramLink(destination, back, there), new MemoryDatagramLink(destination, there, back));
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<Datagram?> ReceiveAsync(CancellationToken cancellationToken = default)
    {
        if (_held is not null)
        {
            ArrayPool<byte>.Shared.Return(_held);
            _held = null;
        }

        while (!_isDisposed && await _incoming.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
        {
            if (_incoming.Reader.TryRead(out Item item))
            {
                _held = item.Buffer;
                return new Datagram(item.Buffer.AsMemory(0, item.Length), item.Address);
            }
        }

        return null;
    }

    public override ValueTask<bool> SendAsync(
        ReadOnlyMemory<byte> data, Destination? address = null, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        if (data.Length <= MaxDatagram)
        {
            byte[] buffer = ArrayPool<byte>.Shared.Rent(data.Length);
            data.CopyTo(buffer);
            if (_outgoing.Writer.TryWrite(new Item(buffer, data.Length, address ?? Destination)))
            {
                return ValueTask.FromResult(true);
            }

            ArrayPool<byte>.Shared.Return(buffer);
        }

        CountDropped();
        return ValueTask.FromResult(false);
    }

    public override void Abort(Exception? reason = null)
    {
        ErrorCode code = (reason as SessionException)?.ErrorCode ?? ErrorCode.RemoteDisconnect;
        _incoming.Writer.TryComplete(new SessionException(code, "The flow was aborted by this end.", reason));
        _outgoing.Writer.TryComplete(new SessionException(code, "The flow was aborted by the other end.", reason) { IsRemote = true });
    }

    public override ValueTask DisposeAsync()
    {
        _isDisposed = true;
        _incoming.Writer.TryComplete();
        _outgoing.Writer.TryComplete();
        return ValueTask.CompletedTask;
    }

    private readonly record struct Item(byte[] Buffer, int Length, Destination Address);
}
