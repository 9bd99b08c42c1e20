using MuxPro.Proxy.Transports;

namespace MuxPro.Proxy.Outbounds;

/// <summary>Makes the main connections to one server, and reports a server that takes connections and does not negotiate.</summary>
internal sealed class ReportingWorkerFactory(OutboundTransport server, ClientStrategy strategy, MuxOptions options) : IClientWorkerFactory
{
    private readonly DialingWorkerFactory _inner = new(server.DialMainAsync, strategy, options);

    public int Capacity => _inner.Capacity;

    public TimeProvider TimeProvider => _inner.TimeProvider;

    public async ValueTask<ClientWorker> CreateAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            ClientWorker worker = await _inner.CreateAsync(cancellationToken);
            server.OnUp();
            return worker;
        }
        catch (MainConnectionException exception)
            when (exception.Reason is not (MainConnectionEnd.DialFailed or MainConnectionEnd.ClosedLocally))
        {
            server.OnNotNegotiated(exception);
            throw;
        }
    }
}
