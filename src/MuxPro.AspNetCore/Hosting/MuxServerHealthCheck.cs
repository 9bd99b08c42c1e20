using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace MuxPro.AspNetCore.Hosting;

/// <summary>
/// Healthy while main connections are taken: from then on that the host stops, a load balancer should send them elsewhere.
/// </summary>
internal sealed class MuxServerHealthCheck(MuxServerHost host) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        HealthCheckResult result = host switch
        {
            { IsStopping: true } => new(context.Registration.FailureStatus, "The server drains: it takes no new sub-connections."),
            { Endpoints: 0 } => new(context.Registration.FailureStatus, "No endpoint takes main connections: call UseMuxPro or MapMuxPro."),
            _ => HealthCheckResult.Healthy($"{host.OpenMainConnections} main connections are open."),
        };
        return Task.FromResult(result);
    }
}
