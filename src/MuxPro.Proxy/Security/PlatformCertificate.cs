using System.Security.Cryptography.X509Certificates;

namespace MuxPro.Proxy.Security;

/// <summary>Certificates with their keys, as the TLS of this system takes them.</summary>
internal static class PlatformCertificate
{
    /// <summary>
    /// Makes a certificate ready for TLS; the one that was given is not used any more. The TLS of Windows does not find a key that exists
    /// in memory alone ("No credentials are available in the security package"), but it finds one that came out of PKCS#12.
    /// </summary>
    public static X509Certificate2 ForTls(X509Certificate2 certificate)
        => OperatingSystem.IsWindows() ? ThroughPkcs12(certificate) : certificate;

    /// <summary>Writes a certificate and its key as PKCS#12 and reads them again.</summary>
    internal static X509Certificate2 ThroughPkcs12(X509Certificate2 certificate)
    {
        using (certificate)
        {
            // Exportable, as it was: 'muxpro keys' writes the key to a file. Windows forgets it when the certificate is disposed of.
            return X509CertificateLoader.LoadPkcs12(
                certificate.Export(X509ContentType.Pkcs12), password: null, X509KeyStorageFlags.Exportable);
        }
    }
}
