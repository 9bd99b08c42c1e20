using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using MuxPro.Proxy.Cli;
using MuxPro.Proxy.Configuration;

namespace MuxPro.Proxy.Transports;

/// <summary>
/// A certificate, its chain and its key, from files that may be replaced: they are looked at again now and then, and where the new ones are broken, that is
/// logged once and the last good ones stay. Safe to use from many threads.
/// </summary>
internal sealed class CertificateFiles
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    private readonly CertificateConfiguration _files;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Lock _gate = new();

    // Guarded by _gate.
    private long _looked;
    private (DateTime, long, DateTime, long) _seen;
    private volatile SslStreamCertificateContext _context;

    /// <exception cref="ConfigurationException">The files cannot be used; the message names the file.</exception>
    public CertificateFiles(CertificateConfiguration files, TimeProvider time, ILogger logger)
    {
        _files = files;
        _time = time;
        _logger = logger;
        _looked = time.GetTimestamp();
        _seen = Stamp();
        _context = Load(files);
    }

    /// <summary>What is shown to the other end.</summary>
    public SslStreamCertificateContext Context
    {
        get
        {
            Refresh();
            return _context;
        }
    }

    /// <summary>Reads the files.</summary>
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

    private void Refresh()
    {
        lock (_gate)
        {
            if (_time.GetElapsedTime(_looked) < LookInterval)
            {
                return;
            }

            _looked = _time.GetTimestamp();
            (DateTime, long, DateTime, long) seen = Stamp();
            if (seen == _seen)
            {
                return;
            }

            _seen = seen;
            try
            {
                _context = Load(_files);
                _logger.CertificateRead(_files.CertificateFile, _context.TargetCertificate.NotAfter);
            }
            catch (ConfigurationException exception)
            {
                _logger.CertificateKept(exception.Message);
            }
        }
    }

    private (DateTime, long, DateTime, long) Stamp()
    {
        (DateTime written, long length) = FileStamp.Of(_files.CertificateFile);
        (DateTime keyWritten, long keyLength) = _files.KeyFile is null ? default : FileStamp.Of(_files.KeyFile);
        return (written, length, keyWritten, keyLength);
    }
}
