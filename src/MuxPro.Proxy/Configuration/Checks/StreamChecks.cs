using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Configuration.Reading;

namespace MuxPro.Proxy.Configuration.Checks;

/// <summary>What is wrong with stream settings.</summary>
internal static class StreamChecks
{
    public static IEnumerable<Finding> Find(StreamConfiguration stream, bool isInbound)
    {
        TlsConfiguration tls = stream.TlsSettings;
        if (stream.Security == TransportSecurity.None)
        {
            if (!SameConfiguration.Is(tls, new TlsConfiguration()))
            {
                yield return new Finding(stream, "tlsSettings", "has no effect: 'security' is 'none'; write \"security\": \"tls\".");
            }
        }
        else if (isInbound && tls.Certificates.Count == 0)
        {
            yield return new Finding(
                stream, "tlsSettings",
                "an inbound with TLS needs 'certificates': [ { \"certificateFile\": \"server.pem\" } ]; "
                    + "'muxpro keys --out DIR' makes one.");
        }

        if (!isInbound && tls.Certificates.Count > 1)
        {
            yield return new Finding(tls, "certificates[1]", "an outbound shows one certificate, and this is another.");
        }

        if (!isInbound && tls.VerifyClientCertificate)
        {
            yield return new Finding(tls, "verifyClientCertificate", "is for inbounds: an outbound always verifies the server.");
        }

        if (isInbound && !tls.VerifyClientCertificate && (tls.Pins.Count > 0 || tls.CaFile is not null))
        {
            yield return new Finding(
                tls, tls.Pins.Count > 0 ? "pins" : "caFile",
                "has no effect: clients need not show a certificate; write \"verifyClientCertificate\": true.");
        }

        foreach (Finding finding in PlatformChecks.Find(stream, Platform.Current))
        {
            yield return finding;
        }

        if (!stream.WsSettings.Path.StartsWith('/'))
        {
            yield return new Finding(stream.WsSettings, "path", $"'{stream.WsSettings.Path}' is no path: it begins with '/'.");
        }
    }
}
