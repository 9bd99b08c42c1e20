using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace MuxPro.AspNetCore.Hosting;

/// <summary>Healthy while a main connection is up, or can be made now.</summary>
internal sealed class MuxClientHealthCheck(MuxClientPool pool) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        ClientWorker[] up = [.. pool.Picker.Workers.Where(static worker => !worker.IsClosing)];
        if (up.Length > 0)
        {
            int sessions = up.Sum(static worker => worker.ActiveSessions);
            return HealthCheckResult.Healthy($"{up.Length} main connections are up, with {sessions} sub-connections.");
        }

        try
        {
            // Dials, and leaves the main connection in the pool for the next who needs one.
            ClientWorker worker = await pool.Picker.PickAvailableAsync(cancellationToken);
            worker.Release();
            return HealthCheckResult.Healthy("A main connection was made.");
        }
        catch (MuxException exception)
        {
            return new HealthCheckResult(context.Registration.FailureStatus, exception.Message, exception);
        }
    }
}
