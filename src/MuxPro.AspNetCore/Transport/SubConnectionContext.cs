using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace MuxPro.AspNetCore.Transport;

/// <summary>A sub-connection as a connection of Kestrel's: its pipes are the transport, and nothing is copied in between.</summary>
internal sealed class SubConnectionContext : DefaultConnectionContext, IMuxConnectionFeature
{
    private readonly CancellationTokenSource _closed = new();
    private readonly ITlsConnectionFeature? _tls;

    /// <param name="session">The sub-connection; owned from now on.</param>
    /// <param name="main">What is known of the main connection.</param>
    /// <param name="number">
    /// Which one it is of the main connection's: ids of sessions are used again, those of connections should not be.
    /// </param>
    public SubConnectionContext(Session session, MainConnectionInfo main, long number)
        : base(string.Create(CultureInfo.InvariantCulture, $"{main.Id}.{number}"))
    {
        Session = session;
        MainConnectionId = main.Id;
        _tls = main.Tls;
        Transport = new SubConnectionTransport(session);
        LocalEndPoint = new MuxEndPoint(session.Destination.Host, session.Destination.Port);
        RemoteEndPoint = session.RemoteEndPoint;
        ConnectionClosed = _closed.Token;
        Features.Set<IMuxConnectionFeature>(this);
        _ = CloseWithSessionAsync();
    }

    public Session Session { get; }

    public string MainConnectionId { get; }

    public X509Certificate2? ClientCertificate => _tls?.ClientCertificate;

    public override void Abort(ConnectionAbortedException abortReason) => Session.Abort(abortReason);

    public override async ValueTask DisposeAsync()
    {
        // What was written is still sent: the session ends by itself.
        await Session.DisposeAsync();
        await base.DisposeAsync();
    }

    private async Task CloseWithSessionAsync()
    {
        await Session.Completion;
        await _closed.CancelAsync();
    }
}

/// <summary>What the connection below a main connection tells of itself.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Tls">Its TLS, if it has any.</param>
internal sealed record MainConnectionInfo(string Id, ITlsConnectionFeature? Tls);
