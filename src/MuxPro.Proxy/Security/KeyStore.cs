using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using MuxPro.Proxy.Configuration.Checks;
using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Configuration.Reading;
using MuxPro.Proxy.Shared;

namespace MuxPro.Proxy.Security;

/// <summary>
/// What a configuration names of keys, certificates and lists of keys. Each file is read once, whether the configuration is checked first
/// or not; who uses it has it read again when it changes. Keys that live in memory have a name instead of a file. Not safe to use from many
/// threads.
/// </summary>
internal sealed class KeyStore
{
    private readonly Dictionary<(string, string?), LoadedFile<KeyFile>> _keys = [];
    private readonly Dictionary<string, LoadedFile<X509Certificate2Collection>> _authorities = [];
    private readonly Dictionary<string, LoadedFile<AuthorizedKeys>> _authorized = [];

    /// <summary>Takes in a key that is in no file.</summary>
    /// <returns>What a configuration says to have it.</returns>
    public CertificateConfiguration Add(KeyFile key)
    {
        var name = new CertificateConfiguration { CertificateFile = key.Certificate.Subject };
        _keys[(name.CertificateFile, null)] = new LoadedFile<KeyFile>([], () => key);
        return name;
    }

    /// <summary>A certificate, its chain and its key, which may be replaced.</summary>
    /// <exception cref="ConfigurationException">The files cannot be used; the message names the file.</exception>
    public WatchedFile<KeyFile> Watch(CertificateConfiguration files, TimeProvider time, ILogger logger)
    {
        LoadedFile<KeyFile> first = Load(files);
        string path = files.KeyFile ?? files.CertificateFile;
        if (first.Content.IsReadableByOthers)
        {
            logger.KeyFileReadable(path, path);
        }

        return new WatchedFile<KeyFile>(
            first, key => logger.CertificateRead(files.CertificateFile, key.Certificate.NotAfter), logger.FilesKept, time);
    }

    /// <summary>Authorities, which may be replaced.</summary>
    /// <exception cref="ConfigurationException">There are none; the message names the file.</exception>
    public WatchedFile<X509Certificate2Collection> WatchAuthorities(string path, TimeProvider time, ILogger logger)
        => new(LoadAuthorities(path), authorities => logger.AuthoritiesRead(path, authorities.Count), logger.FilesKept, time);

    /// <summary>The keys that may use a server, which may be replaced.</summary>
    /// <exception cref="ConfigurationException">The file cannot be used; the message names it.</exception>
    public WatchedFile<AuthorizedKeys> WatchAuthorizedKeys(string path, TimeProvider time, ILogger logger)
    {
        LoadedFile<AuthorizedKeys> first = LoadAuthorizedKeys(path);
        string kept = first.Content.CountText;
        WarnIfEmpty(first.Content);
        return new WatchedFile<AuthorizedKeys>(
            first,
            keys =>
            {
                kept = keys.CountText;
                logger.AuthorizedKeysRead(path, kept);
                WarnIfEmpty(keys);
            },
            reason => logger.AuthorizedKeysKept(reason, kept), time);

        void WarnIfEmpty(AuthorizedKeys keys)
        {
            if (keys.Count == 0)
            {
                logger.NobodyAuthorized(path);
            }
        }
    }

    /// <summary>What is wrong with a configuration, and with the files that it names.</summary>
    public IEnumerable<Finding> Check(DaemonConfiguration configuration, SourceMap sources)
        => ConfigurationChecks.Find(configuration, sources)
            .Concat(configuration.Inbounds.SelectMany(inbound => Find(inbound.StreamSettings.TlsSettings)))
            .Concat(configuration.Inbounds.SelectMany(inbound => Find(inbound.Settings as MuxInboundSettings)))
            .Concat(configuration.Outbounds.SelectMany(outbound => Find(outbound.StreamSettings.TlsSettings)));

    private IEnumerable<Finding> Find(TlsConfiguration tls)
    {
        foreach (CertificateConfiguration files in tls.Certificates)
        {
            if (TryLoad(() => Load(files), out LoadedFile<KeyFile>? key) is { } problem)
            {
                yield return new Finding(files, problem.File == files.KeyFile ? "keyFile" : "certificateFile", problem.Message);
            }
            else if (key!.Content.Certificate.NotAfter is var until && until < TimeProvider.System.GetLocalNow().DateTime)
            {
                yield return new Finding(files, "certificateFile",
                    $"{files.CertificateFile}: the certificate has expired on {until:yyyy-MM-dd}.", IsWarning: true);
            }
        }

        if (tls.CaFile is { } path && TryLoad(() => LoadAuthorities(path), out _) is { } reason)
        {
            yield return new Finding(tls, "caFile", reason.Message);
        }
    }

    private IEnumerable<Finding> Find(MuxInboundSettings? settings)
        => settings?.AuthorizedKeys is { } path && TryLoad(() => LoadAuthorizedKeys(path), out _) is { } problem
            ? [new Finding(settings, "authorizedKeys", problem.Message)] : [];

    private static ConfigurationException? TryLoad<T>(Func<T> load, out T? loaded)
        where T : class
    {
        try
        {
            loaded = load();
            return null;
        }
        catch (ConfigurationException exception)
        {
            loaded = null;
            return exception;
        }
    }

    private LoadedFile<KeyFile> Load(CertificateConfiguration files) => Load(
        _keys, (files.CertificateFile, files.KeyFile), files.KeyFile is null ? [files.CertificateFile]
            : [files.CertificateFile, files.KeyFile],
        () => KeyFile.Load(files.CertificateFile, files.KeyFile));

    private LoadedFile<AuthorizedKeys> LoadAuthorizedKeys(string path) => Load(_authorized, path, [path], () => AuthorizedKeys.Load(path));

    private LoadedFile<X509Certificate2Collection> LoadAuthorities(string path)
        => Load(_authorities, path, [path], () => ReadAuthorities(path));

    private static LoadedFile<T> Load<TKey, T>(Dictionary<TKey, LoadedFile<T>> known, TKey key, string[] paths, Func<T> load)
        where TKey : notnull
        where T : class
    {
        if (!known.TryGetValue(key, out LoadedFile<T>? file))
        {
            known[key] = file = new LoadedFile<T>(paths, load);
        }

        return file;
    }

    private static X509Certificate2Collection ReadAuthorities(string path)
    {
        try
        {
            var authorities = new X509Certificate2Collection();
            authorities.ImportFromPem(NamedFile.ReadAllText(path));
            return authorities.Count > 0 ? authorities : throw ConfigurationException.OfFile(path, "has no certificate in PEM form.");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw ConfigurationException.OfFile(path, exception);
        }
        catch (CryptographicException exception)
        {
            throw ConfigurationException.OfFile(path, "has what is no certificate in PEM form.", exception);
        }
    }
}
