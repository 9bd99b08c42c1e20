using System.Net;
using System.Text;
using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Configuration.Reading;

namespace MuxPro.Proxy.Configuration.Checks;

/// <summary>What is wrong with inbounds.</summary>
internal static class InboundChecks
{
    // RFC 1929: name and password have a length of one byte each.
    private const int MaxCredential = 255;

    public static IEnumerable<Finding> Find(InboundConfiguration inbound)
        => Listening(inbound).Concat(StreamChecks.Find(inbound.StreamSettings, isInbound: true)).Concat(inbound.Settings switch
        {
            ProxyInboundSettings proxy => Proxy(inbound, proxy),
            ForwardInboundSettings forward => Forward(inbound, forward),
            MuxInboundSettings mux => Mux(inbound, mux),
            _ => [],
        });

    /// <summary>Inbounds that want the same port.</summary>
    public static IEnumerable<Finding> FindOverlaps(IReadOnlyList<InboundConfiguration> inbounds)
    {
        for (int i = 0; i < inbounds.Count; i++)
        {
            for (int j = 0; j < i; j++)
            {
                if (Overlap(inbounds[i], inbounds[j]))
                {
                    yield return new Finding(
                        inbounds[i], inbounds[i].Port is null ? "listen" : "port",
                        $"inbound {NameOf(inbounds, j)} listens there already; each needs its own address.");
                }
            }
        }
    }

    /// <summary>An account is a name and a password that SOCKS can carry.</summary>
    public static IEnumerable<Finding> Accounts(IReadOnlyList<AccountConfiguration> accounts)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (AccountConfiguration account in accounts)
        {
            if (Encoding.UTF8.GetByteCount(account.User) is 0 or > MaxCredential || account.User.AsSpan().ContainsAnyInRange('\0', ' ')
                || account.User.Contains(':', StringComparison.Ordinal))
            {
                yield return new Finding(account, "user", "a name has 1 to 255 bytes, and no spaces or colons.");
            }
            else if (!names.Add(account.User))
            {
                yield return new Finding(account, "user", $"'{account.User}' is there twice.");
            }

            if (Encoding.UTF8.GetByteCount(account.Pass) is 0 or > MaxCredential)
            {
                yield return new Finding(account, "pass", "a password has 1 to 255 bytes.");
            }
        }
    }

    private static IEnumerable<Finding> Listening(InboundConfiguration inbound)
    {
        if (inbound.StreamSettings.Network == TransportNetwork.Unix)
        {
            if (inbound.Listen.Length == 0 || IPAddress.TryParse(inbound.Listen, out _))
            {
                yield return new Finding(
                    inbound, "listen",
                    $"'{inbound.Listen}' is no path; with 'network': 'unix' it is one, such as \"/run/muxpro/muxpro.sock\".");
            }

            if (inbound.Port is not null)
            {
                yield return new Finding(inbound, "port", "has no meaning with 'network': 'unix'; leave it out.");
            }

            yield break;
        }

        if (!IPAddress.TryParse(inbound.Listen, out _))
        {
            yield return new Finding(
                inbound, "listen", $"'{inbound.Listen}' is no IP address; for example \"127.0.0.1\", or \"0.0.0.0\" for all of IPv4.");
        }

        if (inbound.Port is null)
        {
            yield return new Finding(inbound, "", "'port' is missing: a number from 1 to 65535, or a range such as \"8000-8010\".");
        }
    }

    private static IEnumerable<Finding> Proxy(InboundConfiguration inbound, ProxyInboundSettings settings)
    {
        foreach (Finding finding in Accounts(settings.Accounts))
        {
            yield return finding;
        }

        if (settings is { AllowMux: true, ForwardMux: true })
        {
            yield return new Finding(settings, "forwardMux", "contradicts 'allowMux': main connections end here, or they go on.");
        }

        SocksAuth? auth = (settings as SocksInboundSettings)?.Auth;
        if (auth == SocksAuth.Password && settings.Accounts.Count == 0)
        {
            yield return new Finding(
                settings, "auth",
                "is 'password', and 'accounts' is empty: nobody could come in; write \"accounts\": [ { \"user\": ..., \"pass\": ... } ].");
        }

        if (auth == SocksAuth.Noauth && settings.Accounts.Count > 0)
        {
            yield return new Finding(settings, "auth", "is 'noauth', and there are 'accounts': leave one of them out.");
        }

        if (settings.Accounts.Count == 0 && IsOpen(inbound) && !inbound.StreamSettings.TlsSettings.VerifyClientCertificate)
        {
            yield return new Finding(
                inbound, "listen",
                $"every host that reaches {inbound.Listen} can use this proxy; say who may with 'accounts', or listen on 127.0.0.1.",
                IsWarning: true);
        }
    }

    private static IEnumerable<Finding> Forward(InboundConfiguration inbound, ForwardInboundSettings settings)
    {
        if (!Destination.TryCreate(Network.Tcp, settings.Address, settings.Port ?? 1, out Destination? target))
        {
            yield return new Finding(settings, "address", $"'{settings.Address}' is neither an address nor a domain.");
        }
        else if (settings.Network.HasUdp && (target.IsMuxPro || target.IsMuxCool))
        {
            yield return new Finding(settings, "network", "main connections are 'tcp'.");
        }

        if (inbound.StreamSettings.Network == TransportNetwork.Unix && (settings.Port is null || settings.Network.HasUdp))
        {
            yield return new Finding(
                settings, "", "a Unix domain socket carries no UDP and has no port of its own: give 'port', and 'network': 'tcp'.");
        }
    }

    private static IEnumerable<Finding> Mux(InboundConfiguration inbound, MuxInboundSettings settings)
    {
        bool isTls = inbound.StreamSettings.Security == TransportSecurity.Tls;
        if (settings.Protocols.Count == 0)
        {
            yield return new Finding(settings, "protocols", "is empty: 'mux.pro', 'mux.cool' or both.");
        }

        if (settings.Versions.Count == 0)
        {
            yield return new Finding(settings, "versions", "is empty: 'private', '0.1', '0.0' or several of them.");
        }

        if (settings.AuthorizedKeys is not null)
        {
            if (!isTls)
            {
                yield return new Finding(
                    settings, "authorizedKeys", "keys are shown in TLS: \"streamSettings\": { \"security\": \"tls\", ... }.");
            }

            if (settings.AllowAnonymous)
            {
                yield return new Finding(settings, "allowAnonymous", "contradicts 'authorizedKeys': leave one of them out.");
            }
        }
        else if (!settings.AllowAnonymous && IsOpen(inbound) && !(isTls && inbound.StreamSettings.TlsSettings.VerifyClientCertificate))
        {
            yield return new Finding(
                inbound, "listen",
                $"every host that reaches {inbound.Listen} could use this server to reach others; say who may with 'authorizedKeys', "
                    + "or write \"allowAnonymous\": true.");
        }
    }

    // Of a text that is no address, that alone is said.
    private static bool IsOpen(InboundConfiguration inbound)
        => inbound.StreamSettings.Network != TransportNetwork.Unix && IPAddress.TryParse(inbound.Listen, out IPAddress? address)
            && !IPAddress.IsLoopback(address);

    private static bool Overlap(InboundConfiguration left, InboundConfiguration right)
    {
        bool isUnix = left.StreamSettings.Network == TransportNetwork.Unix;
        if (isUnix || right.StreamSettings.Network == TransportNetwork.Unix)
        {
            return isUnix && right.StreamSettings.Network == TransportNetwork.Unix && left.Listen == right.Listen;
        }

        return left.Port is { } a && right.Port is { } b && a.First <= b.Last && b.First <= a.Last
            && IPAddress.TryParse(left.Listen, out IPAddress? x) && IPAddress.TryParse(right.Listen, out IPAddress? y)
            && (x.Equals(y) || IsAny(x, y) || IsAny(y, x))
            && ((Networks(left).HasTcp && Networks(right).HasTcp) || (Networks(left).HasUdp && Networks(right).HasUdp));
    }

    private static bool IsAny(IPAddress any, IPAddress other)
        => any.Equals(IPAddress.IPv6Any) || (any.Equals(IPAddress.Any) && other.AddressFamily == any.AddressFamily);

    private static Networks Networks(InboundConfiguration inbound)
        => inbound.Settings is ForwardInboundSettings forward ? forward.Network : Model.Networks.Tcp;

    private static string NameOf(IReadOnlyList<InboundConfiguration> inbounds, int index)
        => inbounds[index].Tag.Length > 0 ? $"'{inbounds[index].Tag}'" : $"number {index + 1}";
}
