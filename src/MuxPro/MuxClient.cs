namespace MuxPro;

/// <summary>The short way to a client.</summary>
public static class MuxClient
{
    /// <summary>
    /// Makes a client that dials main connections when it needs them. Nothing is dialled before the first sub-connection.
    /// </summary>
    /// <param name="dial">
    /// Connects to a server, for example with <see cref="Link.ConnectTlsAsync(string, int, CancellationToken)"/>.
    /// </param>
    /// <param name="strategy">How sub-connections spread over main connections; the default is <see cref="ClientStrategy"/>'s.</param>
    /// <param name="options">Settings of the main connections; the default is <see cref="MuxOptions"/>'s.</param>
    /// <returns>The client, owned by the caller.</returns>
    public static ClientManager Connect(
        Func<CancellationToken, ValueTask<Link>> dial, ClientStrategy? strategy = null, MuxOptions? options = null)
    {
        strategy ??= ClientStrategy.Default;
        IncrementalWorkerPicker? datagrams = strategy.DatagramConcurrency == 0
            ? null
            : MakePool(strategy with { MaxConcurrency = strategy.DatagramConcurrency });
        return new ClientManager(MakePool(strategy), datagrams);

        IncrementalWorkerPicker MakePool(ClientStrategy limits) => new(new DialingWorkerFactory(dial, limits, options));
    }
}
