using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Dispatch;
using MuxPro.Proxy.Security;
using MuxPro.Proxy.Shared;

namespace MuxPro.Proxy.Inbounds;

/// <summary>The main connections of an inbound, however they came in: who they are, what runs on them, and how they end.</summary>
/// <param name="options">Settings of the main connections.</param>
/// <param name="authorized">Who may come, or <see langword="null"/> for everybody.</param>
/// <param name="flows">Has the flows of datagrams of all main connections, so that one that is replaced loses none.</param>
/// <param name="logger">Gets who comes and goes.</param>
internal sealed class MainConnections(MuxOptions options, WatchedFile<AuthorizedKeys>? authorized, FlowTable flows, ILogger logger)
{
    // Who has no key may be a user who needs help.
    private static readonly TimeSpan KeyWarningInterval = TimeSpan.FromSeconds(5);

    private readonly WarningLimit _keyWarnings = new(options.TimeProvider, KeyWarningInterval);
    private readonly ConcurrentDictionary<MainPeer, Running> _peers = new();

    private volatile bool _isDraining;

    /// <summary>Who may come, or <see langword="null"/> for everybody.</summary>
    public AuthorizedKeys? Authorized => authorized?.Current;

    /// <summary>How many are served.</summary>
    public int Count => _peers.Count;

    /// <summary>Who it is, or <see langword="null"/>, and said so, where nobody comes in with that key.</summary>
    public MainPeer? Identify(X509Certificate2? certificate, EndPoint? source)
    {
        if (authorized is null)
        {
            return new MainPeer(null, null, source);
        }

        if (certificate is null)
        {
            LogLevel level = _keyWarnings.Next();
            logger.NoKeyShown(level, source, authorized.Current.Path);
            return null;
        }

        var pin = Pin.Of(certificate);
        authorized.Refresh();
        if (authorized.Current.TryGet(pin, out AuthorizedKey? key))
        {
            return new MainPeer(key, pin, source);
        }

        LogLevel warning = _keyWarnings.Next();
        logger.NotAuthorized(warning, source, authorized.Current.Path, pin);
        return null;
    }

    /// <summary>Serves a main connection until it ends.</summary>
    /// <param name="link">The connection.</param>
    /// <param name="peer">Who it is.</param>
    /// <param name="dispatcher">Reaches what its sub-connections ask for.</param>
    /// <param name="stopping">Closes it.</param>
    public async Task RunAsync(Link link, MainPeer peer, RoutedDispatcher dispatcher, CancellationToken stopping)
    {
        // Never disposed: RefreshKeys may cancel it at any time, also when the main connection has just ended. Without a timer it holds
        // nothing.
        var running = new Running(new UserSessions(dispatcher, peer, options, flows, logger), new CancellationTokenSource());
        await using CancellationTokenRegistration registration =
            stopping.UnsafeRegister(static state => ((CancellationTokenSource)state!).Cancel(), running.Closing);
        _peers[peer] = running;
        string reason = "closed in order.";
        try
        {
            logger.MainConnectionOpened(peer.Source, peer.Name);
            if (_isDraining)
            {
                // It came while the others were told.
                reason = "closed from here.";
                return;
            }

            await running.Sessions.RunAsync(link, running.Closing.Token);
            if (running.Closing.IsCancellationRequested)
            {
                reason = "closed from here.";
            }
        }
        catch (Exception exception) when (exception is IOException or SocketException or ObjectDisposedException)
        {
            reason = exception.Message;
        }
        finally
        {
            _peers.TryRemove(peer, out _);
            logger.MainConnectionEnded(peer.Source, peer.Name, reason);
        }
    }

    /// <summary>Lets every main connection finish what is open on it, and takes no new one.</summary>
    /// <param name="deadline">Closes what is still open.</param>
    /// <returns>How many sub-connections were cut by the deadline.</returns>
    public async Task<int> DrainAsync(CancellationToken deadline)
    {
        _isDraining = true;
        int[] cut = await Task.WhenAll(_peers.Values.Select(running => running.Sessions.DrainAsync(deadline)));
        return cut.Sum();
    }

    /// <summary>Reads the keys again where they changed, and closes the main connections of those who have gone.</summary>
    public void RefreshKeys()
    {
        if (authorized is null)
        {
            return;
        }

        authorized.Refresh();
        AuthorizedKeys keys = authorized.Current;
        foreach ((MainPeer peer, (_, CancellationTokenSource closing)) in _peers)
        {
            if (peer.Pin is not null && !keys.TryGet(peer.Pin, out _))
            {
                // It may take longer to go than until the next look.
                if (!closing.IsCancellationRequested)
                {
                    logger.Revoked(peer.Name, peer.Source);
                    closing.Cancel();
                }
            }
        }
    }

    /// <summary>A main connection that is served, and how to close it.</summary>
    private sealed record Running(UserSessions Sessions, CancellationTokenSource Closing);
}
