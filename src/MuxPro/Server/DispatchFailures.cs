using Microsoft.Extensions.Logging;
using MuxPro.Diagnostics;

namespace MuxPro;

/// <summary>Ends sub-connections whose destination was not reached: each alone, with the code of what happened.</summary>
internal sealed class DispatchFailures(ILogger log)
{
    private readonly ILogger _log = log;

    /// <summary>SPEC 6.3.2: a failed or refused open is an End with the code; the main connection goes on.</summary>
    public void End(Session session, Exception exception)
    {
        switch (exception)
        {
            case SessionException refused:
                _log.DispatchFailed(session.Id, session.Destination, refused.ErrorCode, refused.Message);
                session.Abort(refused);
                break;
            case OperationCanceledException:
                session.Abort(exception);
                break;
            case IOException or System.Net.Sockets.SocketException:
                _log.DispatchFailed(session.Id, session.Destination, ErrorCode.DestinationUnreachable, exception.Message);
                session.Abort(new SessionException(ErrorCode.DestinationUnreachable, exception.Message, exception));
                break;
            default:
                // A dispatcher's bug is its own: this sub-connection ends, the others go on.
                _log.DispatcherFaulted(session.Id, session.Destination, exception);
                session.Abort(new SessionException(ErrorCode.DestinationUnreachable, "The dispatcher failed.", exception));
                break;
        }
    }
}
