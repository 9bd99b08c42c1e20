using MuxPro.Proxy.Routing;

namespace MuxPro.Proxy.Outbounds;

/// <summary>
/// A way out, by its tag. It outlives the configuration that it is part of for as long as something goes through it: who uses it enters
/// and leaves. Safe to use from many threads.
/// </summary>
internal abstract class Outbound(string tag, TimeProvider time) : IBalancerMember, IAsyncDisposable
{
    private readonly Lock _gate = new();

    // Guarded by _gate.
    private int _open;
    private bool _isRetired;
    private bool _isClosed;

    public string Tag => tag;

    /// <summary>Whether it works, by the attempts that were made.</summary>
    public Health Health { get; } = new(time);

    public bool IsHealthy => Health.IsHealthy;

    /// <summary>How many sub-connections go through it, those that are being made included.</summary>
    public int OpenConnections => Volatile.Read(ref _open);

    /// <summary>Reaches a TCP destination.</summary>
    /// <param name="destination">Where to.</param>
    /// <param name="priority">0 is served first, 255 last; where there is something to share.</param>
    /// <param name="cancellationToken">Gives up the attempt.</param>
    /// <returns>The link, owned by the caller.</returns>
    /// <exception cref="SessionException">The outbound works, and the destination was not reached.</exception>
    /// <exception cref="IOException">The outbound does not work; the message names what it could not reach.</exception>
    public abstract ValueTask<Link> DispatchAsync(Destination destination, byte priority, CancellationToken cancellationToken);

    /// <summary>Opens a flow of datagrams.</summary>
    /// <inheritdoc cref="DispatchAsync"/>
    public abstract ValueTask<DatagramLink> OpenFlowAsync(Destination first, DatagramOptions options, CancellationToken cancellationToken);

    /// <summary>Counts a sub-connection; each needs its <see cref="Leave"/>.</summary>
    /// <returns>Whether there is still something to enter.</returns>
    public bool TryEnter()
    {
        lock (_gate)
        {
            _open += _isClosed ? 0 : 1;
            return !_isClosed;
        }
    }

    public void Leave()
    {
        lock (_gate)
        {
            _open--;
        }

        CloseIfDone();
    }

    /// <summary>No configuration has it any more: it closes when nobody uses it.</summary>
    public void Retire()
    {
        lock (_gate)
        {
            _isRetired = true;
        }

        CloseIfDone();
    }

    /// <summary>Closes it at once.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            if (_isClosed)
            {
                return;
            }

            _isClosed = true;
        }

        await CloseAsync();
    }

    /// <summary>Gives back what the outbound holds for itself. It does not fail.</summary>
    protected virtual ValueTask CloseAsync() => ValueTask.CompletedTask;

    private void CloseIfDone()
    {
        lock (_gate)
        {
            if (!_isRetired || _isClosed || _open > 0)
            {
                return;
            }

            _isClosed = true;
        }

        _ = CloseAsync().AsTask();
    }
}
