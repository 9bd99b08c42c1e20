using Microsoft.Extensions.Diagnostics.HealthChecks;
using MuxPro.AspNetCore.Hosting;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Health checks of Mux.Pro.</summary>
public static class MuxHealthChecksBuilderExtensions
{
    /// <summary>Checks that a client has a main connection, or can make one now; the failure says why it cannot.</summary>
    /// <param name="builder">The health checks.</param>
    /// <param name="clientName">The client's name; the default is the one without a name.</param>
    /// <param name="failureStatus">What a failure means; the default is <see cref="HealthStatus.Unhealthy"/>.</param>
    /// <param name="tags">Tags to choose checks by.</param>
    /// <returns>The health checks.</returns>
    public static IHealthChecksBuilder AddMuxClient(
        this IHealthChecksBuilder builder, string? clientName = null, HealthStatus? failureStatus = null, IEnumerable<string>? tags = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        string name = clientName ?? Options.Options.DefaultName;
        return builder.Add(new HealthCheckRegistration(
            name.Length == 0 ? "mux-client" : $"mux-client:{name}",
            provider => new MuxClientHealthCheck(provider.GetRequiredKeyedService<MuxClientPool>(name)),
            failureStatus,
            tags));
    }

    /// <summary>
    /// Checks that the server takes main connections: it fails from the moment that the host begins to stop, while sub-connections are
    /// finished.
    /// </summary>
    /// <param name="builder">The health checks.</param>
    /// <param name="failureStatus">What a failure means; the default is <see cref="HealthStatus.Unhealthy"/>.</param>
    /// <param name="tags">Tags to choose checks by.</param>
    /// <returns>The health checks.</returns>
    public static IHealthChecksBuilder AddMuxServer(
        this IHealthChecksBuilder builder, HealthStatus? failureStatus = null, IEnumerable<string>? tags = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.Add(new HealthCheckRegistration(
            "mux-server", static provider => new MuxServerHealthCheck(provider.GetRequiredService<MuxServerHost>()), failureStatus, tags));
    }
}
