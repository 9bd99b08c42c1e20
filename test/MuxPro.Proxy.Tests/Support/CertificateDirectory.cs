using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MuxPro.Proxy.Configuration.Model;

namespace MuxPro.Proxy.Tests.Support;

/// <summary>A directory of certificates and their keys in PEM form, and of an authority that signed them.</summary>
internal sealed class CertificateDirectory : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("muxpro-certificates-");
    private readonly X509Certificate2 _authority;

    public CertificateDirectory()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        _authority = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(30));
        CaFile = PathOf("authority.pem");
        File.WriteAllText(CaFile, _authority.ExportCertificatePem());
    }

    /// <summary>The authority.</summary>
    public string CaFile { get; }

    public string PathOf(string name) => Path.Combine(_directory.FullName, name);

    /// <summary>Makes a certificate for names, in a file with its key.</summary>
    public (CertificateConfiguration Files, Pin Pin) Make(string file, params string[] names)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={names[0]}", key, HashAlgorithmName.SHA256);
        var alternatives = new SubjectAlternativeNameBuilder();
        foreach (string name in names)
        {
            alternatives.AddDnsName(name);
        }

        request.CertificateExtensions.Add(alternatives.Build());
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        using X509Certificate2 certificate = request.Create(_authority, now.AddHours(-1), now.AddDays(1), Guid.NewGuid().ToByteArray());
        File.WriteAllText(PathOf(file), $"{certificate.ExportCertificatePem()}\n{key.ExportPkcs8PrivateKeyPem()}\n");
        return (new CertificateConfiguration { CertificateFile = PathOf(file) }, Pin.Of(certificate));
    }

    public void Dispose()
    {
        _authority.Dispose();
        _directory.Delete(recursive: true);
    }
}
