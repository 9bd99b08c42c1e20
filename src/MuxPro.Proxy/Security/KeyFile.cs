using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MuxPro.Proxy.Cli;
using MuxPro.Proxy.Transports;

namespace MuxPro.Proxy.Security;

/// <summary>A certificate and its private key in one PEM file, readable by its owner alone. Further certificates are sent along as the chain.</summary>
internal sealed class KeyFile : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode Others = ~(OwnerOnly | UnixFileMode.UserExecute);

    private KeyFile(X509Certificate2 certificate, X509Certificate2Collection chain)
    {
        Certificate = certificate;
        Chain = chain;
        Pin = Pin.Of(certificate);
    }

    public X509Certificate2 Certificate { get; }

    public X509Certificate2Collection Chain { get; }

    public Pin Pin { get; }

    /// <summary>Whether somebody else on this machine may read the file that the key came from.</summary>
    public bool IsReadableByOthers { get; private init; }

    /// <summary>Makes a key (ECDSA P-256) and a certificate signed by itself.</summary>
    public static KeyFile Create(string name, TimeProvider time)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);

        // The pin is what is checked; a date of expiry would only stop a working pair. RFC 5280 4.1.2.5: 9999 means none.
        return new KeyFile(
            request.CreateSelfSigned(time.GetUtcNow().AddDays(-1), new DateTimeOffset(9999, 12, 31, 23, 59, 59, TimeSpan.Zero)), []);
    }

    public static KeyFile Load(string path)
    {
        try
        {
            string text = NamedFile.ReadAllText(path);
            var certificate = X509Certificate2.CreateFromPem(text, text);
            var all = new X509Certificate2Collection();
            all.ImportFromPem(text);
            all.RemoveAt(0);
            bool readable = !OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & Others) != 0;
            return new KeyFile(certificate, all) { IsReadableByOthers = readable };
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new ConfigurationException($"{path}: no such key file; 'muxpro keys' makes one.", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException($"{path}: {FileProblem.Describe(exception)}", exception);
        }
        catch (Exception exception) when (exception is CryptographicException or ArgumentException)
        {
            if (exception is ArgumentException && HasKeyOfAnother(path))
            {
                throw new ConfigurationException($"{path}: its certificate and its private key do not belong together.", exception);
            }

            throw new ConfigurationException($"{path}: is not a certificate and its private key in PEM form.", exception);
        }
    }

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
}
