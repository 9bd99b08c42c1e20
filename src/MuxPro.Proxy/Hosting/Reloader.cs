using Microsoft.Extensions.Logging;
using MuxPro.Proxy.Configuration.Reading;
using MuxPro.Proxy.Security;
using MuxPro.Proxy.Shared;

namespace MuxPro.Proxy.Hosting;

/// <summary>Reads the configuration again and lets it count; where it is not good, that is said and the last good one stays.</summary>
internal sealed class Reloader(Daemon daemon, Func<IReadOnlyList<string>> files, TextWriter output, ILogger logger) : IDisposable
{
    private readonly SemaphoreSlim _one = new(1);

    /// <param name="why">Why it is read now, in words.</param>
    /// <returns>Whether the new one counts.</returns>
    public async Task<bool> ReloadAsync(string why)
    {
        await _one.WaitAsync();
        try
        {
            var keys = new KeyStore();
            ConfigurationResult result = ConfigurationReader.Read(files(), keys.Check);
            foreach (ConfigurationProblem problem in result.Problems)
            {
                Report(problem);
            }

            if (result.Configuration is not { } configuration)
            {
                logger.ConfigurationKept(why);
                return false;
            }

            try
            {
                await daemon.ApplyAsync(configuration, keys);
            }
            catch (ListenException exception)
            {
                Report(result.Sources.Problem(exception.Inbound, "port", exception.Message));
                logger.ConfigurationKept(why);
                return false;
            }

            logger.ConfigurationRead(why, configuration.Summary);
            output.WriteLine($"muxpro run: the configuration was read again ({why}): {configuration.Summary}.");
            output.Flush();
            return true;
        }
        catch (Exception exception)
        {
            // Whatever it is, what runs goes on.
            logger.ReloadFailed(exception.Message);
            logger.ConfigurationKept(why);
            return false;
        }
        finally
        {
            _one.Release();
        }
    }

    public void Dispose() => _one.Dispose();

    private void Report(ConfigurationProblem problem)
    {
        if (problem.IsWarning)
        {
            logger.ConfigurationWarning(problem.ToString());
        }
        else
        {
            logger.ConfigurationProblem(problem.ToString());
        }
    }
}
