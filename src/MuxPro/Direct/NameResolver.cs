using System.Net;

namespace MuxPro;

/// <summary>
/// Resolves names on threads of its own. The system's resolver blocks its thread, for many seconds where a name's servers are dead; on the
/// pool's threads, a few hundred such names would stop every main connection of the process.
/// </summary>
internal static class NameResolver
{
    // Each lookup holds a thread while it lasts. Those who find all taken wait, each under its own timeout.
    private const int MaxLookups = 64;

    private static readonly SemaphoreSlim Places = new(MaxLookups);

    /// <summary>Resolves a name.</summary>
    /// <param name="name">The name.</param>
    /// <param name="cancellationToken">Stops waiting; a lookup that has begun goes on in the background.</param>
    /// <returns>Its addresses.</returns>
    /// <exception cref="System.Net.Sockets.SocketException">The name was not found.</exception>
    public static Task<IPAddress[]> ResolveAsync(string name, CancellationToken cancellationToken)
        => ResolveAsync(name, Dns.GetHostAddresses, cancellationToken);

    internal static async Task<IPAddress[]> ResolveAsync(string name, Func<string, IPAddress[]> lookUp, CancellationToken cancellationToken)
    {
        await Places.WaitAsync(cancellationToken).ConfigureAwait(false);
        Task<IPAddress[]> lookup = Task.Factory.StartNew(
            () =>
            {
                try
                {
                    return lookUp(name);
                }
                finally
                {
                    Places.Release();
                }
            },
            CancellationToken.None, TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach, TaskScheduler.Default);
        _ = lookup.ContinueWith(
            static task => task.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
        return await lookup.WaitAsync(cancellationToken).ConfigureAwait(false);
    }
}
