using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace MuxPro.AspNetCore.Hosting;

/// <summary>A client and the pool below it, of one name.</summary>
internal sealed class MuxClientPool : IAsyncDisposable
{
    public MuxClientPool(IServiceProvider services, string name)
    {
        MuxClientOptions options = services.GetRequiredService<IOptionsMonitor<MuxClientOptions>>().Get(name);
        Picker = new IncrementalWorkerPicker(
            new DialingWorkerFactory(options.ToDial([])!, options.ToStrategy([]), options.ToMuxOptions(services)));
        Client = new ClientManager(Picker);
    }

    public IncrementalWorkerPicker Picker { get; }

    public ClientManager Client { get; }

    public ValueTask DisposeAsync() => Client.DisposeAsync();
}
