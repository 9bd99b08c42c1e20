using System.Threading.Channels;

namespace MuxPro.Proxy.Tests.Support;

/// <summary>A flow of datagrams whose other end is the test.</summary>
internal sealed class FakeFlow(Destination destination, bool isFullCone) : DatagramLink
{
    private readonly Channel<Datagram> _incoming = Channel.CreateUnbounded<Datagram>();
    private readonly Channel<(byte[] Data, Destination? Address)> _sent = Channel.CreateUnbounded<(byte[], Destination?)>();

    public ChannelReader<(byte[] Data, Destination? Address)> Sent => _sent.Reader;

    public override Destination Destination => destination;

    public override bool IsFullCone => isFullCone;

    /// <summary>Whether it takes datagrams; otherwise it drops them.</summary>
    public bool HasRoom { get; set; } = true;

    public TaskCompletionSource Disposed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Answer(byte[] data, Destination source) => Assert.True(_incoming.Writer.TryWrite(new Datagram(data, source)));

    /// <summary>Ends the flow, in order without an exception.</summary>
    public void End(Exception? exception = null) => _incoming.Writer.TryComplete(exception);

    public override async ValueTask<Datagram?> ReceiveAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            return await _incoming.Reader.WaitToReadAsync(cancellationToken) ? await _incoming.Reader.ReadAsync(cancellationToken) : null;
        }
        catch (ChannelClosedException exception) when (exception.InnerException is not null)
        {
            throw exception.InnerException;
        }
    }

    public override ValueTask<bool> SendAsync(
        ReadOnlyMemory<byte> data, Destination? address = null, CancellationToken cancellationToken = default)
    {
        if (HasRoom)
        {
            _sent.Writer.TryWrite((data.ToArray(), address));
        }
        else
        {
            CountDropped();
        }

        return ValueTask.FromResult(HasRoom);
    }

    public override void Abort(Exception? reason = null) => End(reason);

    public override ValueTask DisposeAsync()
    {
        End();
        Disposed.TrySetResult();
        return ValueTask.CompletedTask;
    }
}
