using MuxPro.Sessions;

namespace MuxPro;

/// <summary>
/// A flow of datagrams over a main connection (SPEC 7.2), with its own flow control, priority and end. One receiver and one sender at a
/// time; <see cref="Abort(Exception?)"/> and <see cref="DisposeAsync"/> may be called from anywhere.
/// </summary>
public sealed class DatagramSession : DatagramLink
{
    private readonly DatagramInput _input;
    private readonly DatagramOutput _output;

    internal DatagramSession(Session session)
    {
        Session = session;
        _input = (DatagramInput)session.Receiver;
        _output = (DatagramOutput)session.Sender;
    }

    /// <summary>The id on the main connection, 1 to 65,535. It is used again after the session is over.</summary>
    public ushort Id => Session.Id;

    /// <summary>0 is served first, 255 last.</summary>
    public byte Priority => Session.Priority;

    /// <summary>Keeps the flow's public address when its main connection is replaced (SPEC 7.2); 0 means none.</summary>
    public ulong GlobalId => _input.GlobalId;

    /// <inheritdoc/>
    public override Destination Destination => Session.Destination;

    /// <inheritdoc/>
    /// <remarks>Not in 0.0, where every datagram goes to, and comes from, the target of the New.</remarks>
    public override bool IsFullCone => Session.Context.IsFullCone;

    /// <summary>
    /// Done when the server has reached the target; fails with its code when it has not. See <see cref="Session.RemoteOpened"/>.
    /// </summary>
    public Task RemoteOpened => Session.RemoteOpened;

    /// <summary>Whether the main connection's version tells when the target is reached (SPEC 8).</summary>
    public bool HasOpenResult => Session.HasOpenResult;

    /// <summary>Done when both directions have ended, in whatever way. Never fails: <see cref="EndCode"/> says how it ended.</summary>
    public Task Completion => Session.Completion;

    /// <summary>How the session ended, or <see langword="null"/> while it lives. See <see cref="Session.EndCode"/>.</summary>
    public ErrorCode? EndCode => Session.EndCode;

    /// <inheritdoc/>
    public override long Dropped => _input.Dropped + _output.Dropped + base.Dropped;

    internal Session Session { get; }

    /// <inheritdoc/>
    public override ValueTask<Datagram?> ReceiveAsync(CancellationToken cancellationToken = default)
        => _input.ReceiveAsync(cancellationToken);

    /// <inheritdoc/>
    /// <remarks>
    /// Completes at once. The largest datagram is <see cref="MuxOptions.MaxDatagram"/>, before the private version
    /// <see cref="MuxOptions.MaxDatagramBefore"/>.
    /// </remarks>
    public override ValueTask<bool> SendAsync(
        ReadOnlyMemory<byte> data, Destination? address = null, CancellationToken cancellationToken = default)
        => cancellationToken.IsCancellationRequested
            ? ValueTask.FromCanceled<bool>(cancellationToken)
            : ValueTask.FromResult(_output.Send(data.Span, address));

    /// <inheritdoc cref="Session.Abort(ErrorCode)"/>
    public void Abort(ErrorCode code) => Session.Abort(code);

    /// <inheritdoc/>
    public override void Abort(Exception? reason = null) => Session.Abort(reason);

    /// <inheritdoc/>
    public override ValueTask DisposeAsync() => Session.DisposeAsync();
}
