namespace MuxPro;

/// <summary>
/// A flow of datagrams over a main connection (SPEC 7.2), with its own flow control, priority and end. One receiver and one sender at a time;
/// <see cref="Abort"/> and <see cref="DisposeAsync"/> may be called from anywhere.
/// </summary>
public sealed class DatagramSession : DatagramLink
{
    private readonly Session _session;

    internal DatagramSession(Session session) => _session = session;

    /// <summary>The id on the main connection, 1 to 65,535. It is used again after the session is over.</summary>
    public ushort Id => _session.Id;

    /// <summary>0 is served first, 255 last.</summary>
    public byte Priority => _session.Priority;

    /// <summary>Keeps the flow's public address when its main connection is replaced (SPEC 7.2); 0 means none.</summary>
    public ulong GlobalId { get; }

    /// <inheritdoc/>
    public override Destination Destination => _session.Destination;

    /// <inheritdoc/>
    public override bool IsFullCone => false;

    /// <summary>Done when the server has reached the target; fails with its code when it has not. See <see cref="Session.RemoteOpened"/>.</summary>
    public Task RemoteOpened => _session.RemoteOpened;

    /// <summary>Done when both directions have ended, in whatever way. Never fails: <see cref="EndCode"/> says how it ended.</summary>
    public Task Completion => _session.Completion;

    /// <summary>How the session ended, or <see langword="null"/> while it lives. See <see cref="Session.EndCode"/>.</summary>
    public ErrorCode? EndCode => _session.EndCode;

    /// <inheritdoc/>
    public override ValueTask<Datagram?> ReceiveAsync(CancellationToken cancellationToken = default) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override ValueTask<bool> SendAsync(
        ReadOnlyMemory<byte> data, Destination? address = null, CancellationToken cancellationToken = default)
        => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Abort(Exception? reason = null) => _session.Abort(reason);

    /// <inheritdoc/>
    public override ValueTask DisposeAsync() => _session.DisposeAsync();
}
