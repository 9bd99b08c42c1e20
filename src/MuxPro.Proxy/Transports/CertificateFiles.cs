using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using MuxPro.Proxy.Cli;
using MuxPro.Proxy.Configuration;

namespace MuxPro.Proxy.Transports;

/// <summary>What TLS is made of, read from PEM files.</summary>
internal static class CertificateFiles
{
    /// <summary>A certificate, its chain and its key, which may be replaced.</summary>
    /// <exception cref="ConfigurationException">The files cannot be used; the message names the file.</exception>
    public static ReloadedFiles<SslStreamCertificateContext> Watch(CertificateConfiguration files, TimeProvider time, ILogger logger) => new(
        files.KeyFile is null ? [files.CertificateFile] : [files.CertificateFile, files.KeyFile],
        () => Load(files), context => logger.CertificateRead(files.CertificateFile, context.TargetCertificate.NotAfter), time, logger);

    /// <summary>Authorities, which may be replaced.</summary>
    /// <exception cref="ConfigurationException">There are none; the message names the file.</exception>
    public static ReloadedFiles<X509Certificate2Collection> WatchAuthorities(string path, TimeProvider time, ILogger logger) => new(
        [path], () => LoadAuthorities(path), authorities => logger.AuthoritiesRead(path, authorities.Count), time, logger);

    /// <summary>Reads a certificate, its chain and its key.</summary>
    /// <exception cref="ConfigurationException">They cannot be used; the message names the file.</exception>
    public static SslStreamCertificateContext Load(CertificateConfiguration files)
    {
        string path = files.CertificateFile;
        try
        {
            var all = new X509Certificate2Collection();
            string text = NamedFile.ReadAllText(path);
            all.ImportFromPem(text);
            if (all.Count == 0)
            {
                throw new ConfigurationException($"{path}: has no certificate in PEM form ('-----BEGIN CERTIFICATE-----').");
            }

            all.RemoveAt(0);
            path = files.KeyFile ?? path;
            var certificate = X509Certificate2.CreateFromPem(text, files.KeyFile is null ? text : NamedFile.ReadAllText(path));
            return SslStreamCertificateContext.Create(certificate, all, offline: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException($"{path}: {FileProblem.Describe(exception)}", exception);
        }
        catch (Exception exception) when (exception is CryptographicException or ArgumentException)
        {
            throw new ConfigurationException($"{path}: is not the private key in PEM form of the certificate in {files.CertificateFile}.", exception);
        }
    }

    /// <summary>The authorities of a PEM file.</summary>
    /// <exception cref="ConfigurationException">There are none; the message names the file.</exception>
    public static X509Certificate2Collection LoadAuthorities(string path)
    {
        try
        {
            var authorities = new X509Certificate2Collection();
            authorities.ImportFromPem(NamedFile.ReadAllText(path));
            return authorities.Count > 0 ? authorities : throw new ConfigurationException($"{path}: has no certificate in PEM form.");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException($"{path}: {FileProblem.Describe(exception)}", exception);
        }
        catch (CryptographicException exception)
        {
            throw new ConfigurationException($"{path}: has what is no certificate in PEM form.", exception);
        }
    }
}
