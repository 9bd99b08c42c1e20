using MuxPro.Protocol;

namespace MuxPro;

/// <content>Whether the target is reached (SPEC 8, open result).</content>
public sealed partial class Session
{
    // Guarded by the session's lock.
    private TaskCompletionSource? _opened;
    private Exception? _failure;
    private bool _isOpened;

    /// <summary>
    /// Done when the server has reached the target; fails with a <see cref="SessionException"/> that has the code when it has not, or a
    /// <see cref="MainConnectionException"/>. Only <see cref="ProtocolVersion.Private"/> says so on its own (SPEC 8); in 0.0 and 0.1 the
    /// first bytes of the answer are the sign, so do not wait for it before the target was sent what it answers to: see
    /// <see cref="HasOpenResult"/>. At a server it is done.
    /// </summary>
    public Task RemoteOpened
    {
        get
        {
            lock (Sync)
            {
                if (_isOpened || !Context.IsClient)
                {
                    return Task.CompletedTask;
                }

                if (_isOver)
                {
                    return OpenFailure() is { } failure ? Task.FromException(failure) : Task.CompletedTask;
                }

                _opened ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                return _opened.Task;
            }
        }
    }

    /// <summary>Whether the main connection's version tells when the target is reached (SPEC 8).</summary>
    public bool HasOpenResult => Context.Dialect.HasOpenResult;

    /// <summary>
    /// At a server that accepts sub-connections itself: says that the target is reached (SPEC 8, open result). The first read or write
    /// says it too; an <see cref="Abort(ErrorCode)"/> before refuses.
    /// </summary>
    public void ConfirmOpened()
    {
        // Without a lock it may be true too long, never too short.
        if (State.IsOpenedDue)
        {
            Context.Engine.OnConfirmed(this);
        }
    }

    /// <summary>There was a sign that the target is reached. Call it without a lock.</summary>
    internal void SetOpened()
    {
        TaskCompletionSource? opened;
        lock (Sync)
        {
            _isOpened = true;
            opened = _opened;
        }

        opened?.TrySetResult();
    }

    /// <summary>Records why the session failed; the first failure wins. Under the main connection's lock.</summary>
    internal void SetFailure(Exception failure) => _failure ??= failure;

    private void EndOpening(TaskCompletionSource opened)
    {
        if (OpenFailure() is not { } failure)
        {
            opened.TrySetResult();
        }
        else if (opened.TrySetException(failure))
        {
            _ = opened.Task.Exception; // nobody has to look
        }
    }

    /// <summary>Why the session was over before the target was reached, or <see langword="null"/> when it ended in order.</summary>
    private Exception? OpenFailure() => _failure is null ? null : MuxErrors.Copy(_failure);
}
