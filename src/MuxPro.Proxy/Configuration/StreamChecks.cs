using MuxPro.Proxy.Cli;
using MuxPro.Proxy.Transports;

namespace MuxPro.Proxy.Configuration;

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
                stream, "tlsSettings", "an inbound with TLS needs 'certificates': [ { \"certificateFile\": \"server.pem\" } ]; 'muxpro keys --out DIR' makes one.");
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
                tls, tls.Pins.Count > 0 ? "pins" : "caFile", "has no effect: clients need not show a certificate; write \"verifyClientCertificate\": true.");
        }

        foreach (Finding finding in tls.Certificates.SelectMany(Files).Concat(Authorities(tls)))
        {
            yield return finding;
        }

        if (!stream.WsSettings.Path.StartsWith('/'))
        {
            yield return new Finding(stream.WsSettings, "path", $"'{stream.WsSettings.Path}' is no path: it begins with '/'.");
        }
    }

    private static IEnumerable<Finding> Files(CertificateConfiguration files)
    {
        Finding? finding = null;
        try
        {
            DateTime until = CertificateFiles.Load(files).TargetCertificate.NotAfter;
            if (until < TimeProvider.System.GetLocalNow().DateTime)
            {
                finding = new Finding(files, "certificateFile", $"{files.CertificateFile}: the certificate has expired on {until:yyyy-MM-dd}.", IsWarning: true);
            }
        }
        catch (ConfigurationException exception)
        {
            string field = files.KeyFile is not null && exception.Message.StartsWith(files.KeyFile, StringComparison.Ordinal) ? "keyFile" : "certificateFile";
            finding = new Finding(files, field, exception.Message);
        }

        return finding is null ? [] : [finding];
    }

    private static IEnumerable<Finding> Authorities(TlsConfiguration tls)
    {
        if (tls.CaFile is null)
        {
            return [];
        }

        try
        {
            CertificateFiles.LoadAuthorities(tls.CaFile);
            return [];
        }
        catch (ConfigurationException exception)
        {
            return [new Finding(tls, "caFile", exception.Message)];
        }
    }
}
