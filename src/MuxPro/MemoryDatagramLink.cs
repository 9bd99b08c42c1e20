using System.Threading.Channels;

namespace MuxPro;

/// <summary>One end of a flow in memory.</summary>
internal sealed class MemoryDatagramLink : DatagramLink
{
    private readonly ChannelReader<Datagram> _input;
    private readonly ChannelWriter<Datagram> _output;
    private readonly ChannelWriter<Datagram> _back;

    private MemoryDatagramLink(Destination destination, Channel<Datagram> input, Channel<Datagram> output)
    {
        Destination = destination;
        _input = input.Reader;
        _output = output.Writer;
        _back = input.Writer;
    }

    public override Destination Destination { get; }

    public override bool IsFullCone => true;

    internal static new (DatagramLink First, DatagramLink Second) CreatePair(Destination destination, int capacity)
    {
        ArgumentNullException.ThrowIfNull(destination);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(capacity);

        // With Wait a write that finds no room says so: that is a drop.
        var options = new BoundedChannelOptions(capacity) { FullMode = BoundedChannelFullMode.Wait };
        var there = Channel.CreateBounded<Datagram>(options);
        var back = Channel.CreateBounded<Datagram>(options);
        return (new MemoryDatagramLink(destination, back, there), new MemoryDatagramLink(destination, there, back));
    }

    public override async ValueTask<Datagram?> ReceiveAsync(CancellationToken cancellationToken = default)
    {
        while (await _input.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
        {
            if (_input.TryRead(out Datagram datagram))
            {
                return datagram;
            }
        }

        return null;
    }

    public override ValueTask<bool> SendAsync(
        ReadOnlyMemory<byte> data, Destination? address = null, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        bool isTaken = data.Length <= MaxDatagram && _output.TryWrite(new Datagram(data.ToArray(), address ?? Destination));
        if (!isTaken)
        {
            CountDropped();
        }

        return ValueTask.FromResult(isTaken);
    }

    public override void Abort(Exception? reason = null)
    {
        reason ??= new SessionException(ErrorCode.RemoteDisconnect, "The flow was aborted.");
        _output.TryComplete(reason);
        _back.TryComplete(reason);
    }

    public override ValueTask DisposeAsync()
    {
        _output.TryComplete();
        _back.TryComplete();
        return ValueTask.CompletedTask;
    }
}
