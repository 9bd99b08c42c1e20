using System.Net;
using System.Net.Sockets;

namespace MuxPro;

/// <summary>Connects to whichever of several addresses answers first, without trying all at once (RFC 8305).</summary>
internal static class HappyEyeballs
{
    /// <summary>RFC 8305 8, Connection Attempt Delay: how long an attempt is alone before the next one starts beside it.</summary>
    internal static readonly TimeSpan AttemptDelay = TimeSpan.FromMilliseconds(250);

    // A name may have any number of addresses; whoever owns it shall not make us try them all.
    private const int MaxAttempts = 16;

    /// <summary>
    /// RFC 8305 4: the families take turns, starting with that of the first address; the resolver's order stays inside each.
    /// </summary>
    internal static IPAddress[] Interleave(IReadOnlyList<IPAddress> addresses)
    {
        if (addresses.Count == 0)
        {
            return [];
        }

        AddressFamily first = addresses[0].AddressFamily;
        IPAddress[] preferred = [.. addresses.Where(address => address.AddressFamily == first)];
        IPAddress[] others = [.. addresses.Where(address => address.AddressFamily != first)];
        var result = new List<IPAddress>(addresses.Count);
        for (int i = 0; i < Math.Max(preferred.Length, others.Length); i++)
        {
            result.AddRange(preferred.Skip(i).Take(1));
            result.AddRange(others.Skip(i).Take(1));
        }

        return [.. result.Take(MaxAttempts)];
    }

    /// <summary>
    /// Starts an attempt per address, 250 ms apart or as soon as one fails; the first success wins, the others are closed.
    /// </summary>
    /// <exception cref="SocketException">No attempt succeeded; this is the most telling failure, and the first of those.</exception>
    internal static async Task<Socket> ConnectAsync(
        IReadOnlyList<IPAddress> addresses,
        int port,
        Func<IPEndPoint, CancellationToken, Task<Socket>> connect,
        TimeProvider timeProvider,
        CancellationToken cancellationToken)
    {
        using var decided = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var attempts = new List<Task<Socket>>(addresses.Count);
        Exception? failure = null;
        int next = 0;
        try
        {
            while (true)
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (next < addresses.Count)
                {
                    attempts.Add(connect(new IPEndPoint(addresses[next++], port), decided.Token));
                }

                Task? stagger = next < addresses.Count ? Task.Delay(AttemptDelay, timeProvider, decided.Token) : null;
                Task done = await Task.WhenAny(stagger is null ? attempts : [.. attempts, stagger]).ConfigureAwait(false);
                if (done == stagger)
                {
                    continue;
                }

                var attempt = (Task<Socket>)done;
                attempts.Remove(attempt);
                if (attempt.IsCompletedSuccessfully)
                {
                    return await attempt.ConfigureAwait(false);
                }

                cancellationToken.ThrowIfCancellationRequested();
                failure = SocketFailures.MoreTelling(
                    failure, attempt.Exception?.InnerException ?? new SocketException((int)SocketError.OperationAborted));
                if (attempts.Count == 0 && next == addresses.Count)
                {
                    throw failure;
                }
            }
        }
        finally
        {
            await decided.CancelAsync().ConfigureAwait(false);
            foreach (Task<Socket> loser in attempts)
            {
                _ = CloseAsync(loser);
            }
        }
    }

    private static async Task CloseAsync(Task<Socket> loser)
    {
        await ((Task)loser).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (loser.IsCompletedSuccessfully)
        {
            (await loser.ConfigureAwait(false)).Dispose();
        }
    }
}
