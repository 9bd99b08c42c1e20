using System.Net.Sockets;
using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Configuration.Reading;

namespace MuxPro.Proxy.Configuration.Checks;

/// <summary>What is wrong with outbounds.</summary>
internal static class OutboundChecks
{
    private const int MostOfMuxCool = 128;

    public static IEnumerable<Finding> Find(OutboundConfiguration outbound)
        => StreamChecks.Find(outbound.StreamSettings, isInbound: false).Concat(Mux(outbound)).Concat(outbound.Settings switch
        {
            MuxOutboundSettings mux => Servers(outbound, mux, mux.Servers),
            SocksOutboundSettings socks => Servers(outbound, socks, socks.Servers).Concat(Users(socks.Servers)),
            HttpOutboundSettings http => Servers(outbound, http, http.Servers).Concat(Users(http.Servers)),
            DirectOutboundSettings direct => Direct(outbound, direct),
            _ => [],
        });

    private static IEnumerable<Finding> Mux(OutboundConfiguration outbound)
    {
        MuxConfiguration mux = outbound.Mux;
        bool isOwn = outbound.Settings is MuxOutboundSettings;
        if (isOwn && mux.Enabled == false)
        {
            yield return new Finding(
                mux, "enabled",
                "an outbound of protocol 'mux' is a multiplexer; leave 'enabled' out, or use protocol 'direct' or a proxy.");
        }

        if (!isOwn && mux.Enabled != true)
        {
            yield break;
        }

        switch (outbound.Settings)
        {
            case BlockOutboundSettings:
                yield return new Finding(outbound, "mux", "what is blocked needs no multiplexer; leave 'mux' out.");
                break;
            case DirectOutboundSettings { Redirect: null }:
                yield return new Finding(
                    outbound, "mux",
                    "a multiplexer needs a server that speaks it: use protocol 'mux' with 'servers', or give 'redirect': \"host:port\", "
                        + "or go through 'socks' or 'http'.");
                break;
            case MuxOutboundSettings when mux.Concurrency < 0 || mux.XudpConcurrency < 0 || mux.XudpProxyUDP443 == XudpProxyUdp443.Skip:
                yield return new Finding(
                    outbound, "mux",
                    "a server of main connections takes nothing else: 'concurrency' and 'xudpConcurrency' are 0 or more, "
                        + "and 'xudpProxyUDP443' is not 'skip'.");
                break;
            default:
                break;
        }

        if (mux.Versions.Count == 0)
        {
            yield return new Finding(mux, "versions", "is empty: 'private', '0.1', '0.0' or several of them.");
        }

        if (mux.Protocol == MuxProtocolName.MuxCool && mux.Concurrency > MostOfMuxCool)
        {
            yield return new Finding(
                mux, "concurrency",
                $"a main connection of Mux.Cool carries {MostOfMuxCool} sub-connections in its life; more are not open at once.",
                IsWarning: true);
        }
    }

    private static IEnumerable<Finding> Servers(
        OutboundConfiguration outbound, OutboundSettings settings, IReadOnlyList<ServerConfiguration> servers)
    {
        if (servers.Count == 0)
        {
            yield return new Finding(
                settings, "servers",
                "is empty: where to? For example \"servers\": [ { \"address\": \"relay.example\", \"port\": 9527 } ].");
        }

        bool isUnix = outbound.StreamSettings.Network == TransportNetwork.Unix;
        foreach (ServerConfiguration server in servers)
        {
            if (isUnix ? server.Address.Length == 0 : !Destination.TryCreate(Network.Tcp, server.Address, server.Port ?? 1, out _))
            {
                yield return new Finding(
                    server, "address", $"'{server.Address}' is {(isUnix ? "no path" : "neither an address nor a domain")}.");
            }

            if (isUnix == server.Port is not null)
            {
                yield return new Finding(
                    server, isUnix ? "port" : "",
                    isUnix ? "has no meaning with 'network': 'unix'; leave it out." : "'port' is missing: a number from 1 to 65535.");
            }

            if (server is MuxServerConfiguration { Pins.Count: > 0 } && outbound.StreamSettings.Security != TransportSecurity.Tls)
            {
                yield return new Finding(server, "pins", "keys are shown in TLS: \"streamSettings\": { \"security\": \"tls\" }.");
            }
        }
    }

    private static IEnumerable<Finding> Users(IReadOnlyList<ProxyServerConfiguration> servers)
    {
        foreach (ProxyServerConfiguration server in servers)
        {
            if (server.Users.Count > 1)
            {
                yield return new Finding(server, "users[1]", "one name and password log in; leave the others out.");
            }

            foreach (Finding finding in InboundChecks.Accounts(server.Users))
            {
                yield return finding;
            }
        }
    }

    private static IEnumerable<Finding> Direct(OutboundConfiguration outbound, DirectOutboundSettings settings)
    {
        if (outbound.SendThrough is { AddressFamily: var family } own && (family, settings.DomainStrategy) is
            (AddressFamily.InterNetwork, DomainStrategy.UseIPv6) or (AddressFamily.InterNetworkV6, DomainStrategy.UseIPv4))
        {
            yield return new Finding(
                outbound, "sendThrough", $"from {own} no address of the family that 'domainStrategy' wants can be reached.");
        }

        if (outbound.StreamSettings is not { Network: TransportNetwork.Tcp, Security: TransportSecurity.None }
            && settings.Redirect is not { Host: not null, Port: > 0 })
        {
            yield return new Finding(
                outbound, "streamSettings",
                "targets do not speak that: 'network' and 'security' are for one server, named by 'redirect': \"host:port\".");
        }
    }
}
