namespace MuxPro.Proxy.Outbounds;

/// <summary>Dials main connections to the first server that takes one, in the order in which they were given. Safe to use from many threads.</summary>
internal sealed class ServerDialers(IReadOnlyList<ServerDialer> servers)
{
    private volatile ServerDialer _last = servers[0];

    /// <summary>How many main connections were made.</summary>
    public int Dialed => servers.Sum(static server => server.Dialed);

    /// <exception cref="IOException">There is no connection; the message says why the last one was not to be had.</exception>
    public async ValueTask<Link> DialAsync(CancellationToken cancellationToken)
    {
        for (int i = 0; ; i++)
        {
            _last = servers[i];
            try
            {
                return await servers[i].DialAsync(cancellationToken);
            }
            catch (IOException) when (i < servers.Count - 1)
            {
                // It has said so itself.
            }
        }
    }

    /// <inheritdoc cref="ServerDialer.OnUp"/>
    public void OnUp() => _last.OnUp();

    /// <inheritdoc cref="ServerDialer.OnNotNegotiated"/>
    public void OnNotNegotiated(MainConnectionException exception) => _last.OnNotNegotiated(exception);
}
