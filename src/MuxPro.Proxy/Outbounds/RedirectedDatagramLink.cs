using MuxPro.Proxy.Shared;

namespace MuxPro.Proxy.Outbounds;

/// <summary>
/// A flow that goes to another target than the application knows of: its answers come from the one it knows, and nobody else's come at
/// all.
/// </summary>
internal sealed class RedirectedDatagramLink(DatagramLink inner, Destination destination) : DatagramLink
{
    private readonly OneSource _target = new(inner.Destination);

    public override Destination Destination => destination;

    public override bool IsFullCone => false;

    public override long Dropped => inner.Dropped;

    public override async ValueTask<Datagram?> ReceiveAsync(CancellationToken cancellationToken = default)
    {
        while (await inner.ReceiveAsync(cancellationToken) is { } datagram)
        {
            if (_target.Admits(datagram.Address))
            {
                return new Datagram(datagram.Data, destination);
            }
        }

        return null;
    }

    public override ValueTask<bool> SendAsync(
        ReadOnlyMemory<byte> data, Destination? address = null, CancellationToken cancellationToken = default)
        => inner.SendAsync(data, null, cancellationToken);

    public override void Abort(Exception? reason = null) => inner.Abort(reason);

    public override ValueTask DisposeAsync() => inner.DisposeAsync();
}
