namespace MuxPro.Proxy.Outbounds;

/// <summary>Makes the main connections to one server, and reports a server that takes connections and does not negotiate.</summary>
internal sealed class ServerWorkers(ServerDialer dialer, ClientStrategy strategy, MuxOptions options) : IClientWorkerFactory
{
    private readonly DialingWorkerFactory _inner = new(dialer.DialAsync, strategy, options);

    public int Capacity => _inner.Capacity;

    public TimeProvider TimeProvider => _inner.TimeProvider;

    public async ValueTask<ClientWorker> CreateAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            ClientWorker worker = await _inner.CreateAsync(cancellationToken);
            dialer.OnUp();
            return worker;
        }
        catch (MainConnectionException exception) when (exception.Reason is not (MainConnectionEnd.DialFailed or MainConnectionEnd.ClosedLocally))
        {
            dialer.OnNotNegotiated(exception);
            throw;
        }
    }
}
