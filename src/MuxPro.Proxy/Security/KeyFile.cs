using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Shared;

namespace MuxPro.Proxy.Security;

/// <summary>
/// A certificate and its private key in PEM files, mostly one, readable by its owner alone. Further certificates are sent along as the
/// chain.
/// </summary>
internal sealed class KeyFile : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode Others = ~(OwnerOnly | UnixFileMode.UserExecute);

    private readonly Lazy<SslStreamCertificateContext> _context;

    private KeyFile(X509Certificate2 certificate, X509Certificate2Collection chain)
    {
        Certificate = certificate;
        Chain = chain;
        Pin = Pin.Of(certificate);
        _context = new(() => SslStreamCertificateContext.Create(Certificate, Chain, offline: true));
    }

    public X509Certificate2 Certificate { get; }

    public X509Certificate2Collection Chain { get; }

    public Pin Pin { get; }

    /// <summary>What TLS shows.</summary>
    public SslStreamCertificateContext Context => _context.Value;

    /// <summary>Whether somebody else on this machine may read the file that the key came from.</summary>
    public bool IsReadableByOthers { get; private init; }

    /// <summary>Makes a key (ECDSA P-256) and a certificate signed by itself.</summary>
    public static KeyFile Create(string name, TimeProvider time)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);

        // The pin is what is checked; a date of expiry would only stop a working pair. RFC 5280 4.1.2.5: 9999 means none.
        return new KeyFile(
            PlatformCertificate.ForTls(
                request.CreateSelfSigned(time.GetUtcNow().AddDays(-1), new DateTimeOffset(9999, 12, 31, 23, 59, 59, TimeSpan.Zero))),
            []);
    }

    /// <summary>Reads a certificate, its chain and its key.</summary>
    /// <param name="certificateFile">The file of the certificate and those of its authorities.</param>
    /// <param name="keyFile">The file of the key, or <see langword="null"/> where the certificate's has it.</param>
    /// <exception cref="ConfigurationException">They cannot be used; the message names the file.</exception>
    public static KeyFile Load(string certificateFile, string? keyFile = null)
    {
        string path = certificateFile;
        try
        {
            string text = NamedFile.ReadAllText(path);
            var chain = new X509Certificate2Collection();
            chain.ImportFromPem(text);
            if (chain.Count == 0)
            {
                throw ConfigurationException.OfFile(path, "has no certificate in PEM form ('-----BEGIN CERTIFICATE-----').");
            }

            chain.RemoveAt(0);
            path = keyFile ?? path;
            X509Certificate2 certificate = PlatformCertificate.ForTls(
                X509Certificate2.CreateFromPem(text, keyFile is null ? text : NamedFile.ReadAllText(path)));
            bool isReadable = !OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & Others) != 0;
            return new KeyFile(certificate, chain) { IsReadableByOthers = isReadable };
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw ConfigurationException.OfFile(path, $"{FileProblem.Describe(exception)} 'muxpro keys' makes one.", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw ConfigurationException.OfFile(path, exception);
        }
        catch (Exception exception) when (exception is CryptographicException or ArgumentException)
        {
            string problem = keyFile is not null ? $"is not the private key in PEM form of the certificate in {certificateFile}."
                : exception is ArgumentException && HasKeyOfAnother(path) ? "its certificate and its private key do not belong together."
                : "is not a certificate and its private key in PEM form.";
            throw ConfigurationException.OfFile(path, problem, exception);
        }
    }

    /// <summary>Writes the file, for its owner alone; never over another.</summary>
    public void Save(string path)
    {
        using AsymmetricAlgorithm key = Certificate.GetECDsaPrivateKey()
            ?? throw new InvalidOperationException("Only keys made here are saved.");
        WriteNew(path, $"{Certificate.ExportCertificatePem()}\n{key.ExportPkcs8PrivateKeyPem()}\n");
    }

    /// <summary>Writes a text file for its owner alone; never over another.</summary>
    public static void WriteNew(string path, string text)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnerOnly;
        }

        using var writer = new StreamWriter(path, options);
        writer.Write(text);
    }

    public void Dispose() => Certificate.Dispose();

    private static bool HasKeyOfAnother(string path)
    {
        try
        {
            string text = NamedFile.ReadAllText(path);
            using var certificate = X509Certificate2.CreateFromPem(text);
            using AsymmetricAlgorithm key = certificate.GetECDsaPublicKey() is not null ? ECDsa.Create() : RSA.Create();
            key.ImportFromPem(text);
            return true;
        }
        catch (Exception exception) when (exception is CryptographicException or ArgumentException or IOException)
        {
            return false;
        }
    }
}
