using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace MuxPro.AspNetCore.Hosting;

/// <summary>What a host has for the engine.</summary>
internal static class HostServices
{
    /// <summary>Settings with the host's loggers, meters and clock; a test host, or none at all, may lack each.</summary>
    public static MuxOptions ToMuxOptions(this MuxConnectionOptions options, IServiceProvider services)
    {
        var fromHost = new MuxOptions
        {
            LoggerFactory = services.GetService<ILoggerFactory>() ?? NullLoggerFactory.Instance,
            MeterFactory = services.GetService<IMeterFactory>(),
            TimeProvider = services.GetService<TimeProvider>() ?? TimeProvider.System,
        };

        // Validated before.
        return options.Apply(fromHost, []);
    }
}
