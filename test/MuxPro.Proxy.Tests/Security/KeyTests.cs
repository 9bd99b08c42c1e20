using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Security;
using MuxPro.Proxy.Shared;
using MuxPro.Proxy.Tests.Support;

namespace MuxPro.Proxy.Tests.Security;

public sealed class KeyTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("muxpro-test-").FullName;

    private string Path(string name) => System.IO.Path.Combine(_directory, name);

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void KeyFile_RoundTrip()
    {
        using var made = KeyFile.Create("test", TimeProvider.System);
        made.Save(Path("key.pem"));
        using var read = KeyFile.Load(Path("key.pem"));
        Assert.Equal(made.Pin, read.Pin);
        Assert.True(read.Certificate.HasPrivateKey);
        Assert.False(read.IsReadableByOthers);
        Assert.Equal("1.2.840.10045.3.1.7", read.Certificate.GetECDsaPublicKey()!.ExportParameters(false).Curve.Oid.Value);
    }

    [Fact]
    public void KeyFile_OnlyForItsOwner_NeverOverwritten()
    {
        using var key = KeyFile.Create("test", TimeProvider.System);
        key.Save(Path("key.pem"));
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path("key.pem")));
            File.SetUnixFileMode(Path("key.pem"), UnixFileMode.UserRead | UnixFileMode.GroupRead);
            using var open = KeyFile.Load(Path("key.pem"));
            Assert.True(open.IsReadableByOthers);
        }

        Assert.Throws<IOException>(() => key.Save(Path("key.pem")));
    }

    [Fact]
    public void KeyFile_WithChain_ReadsTheFurtherCertificates()
    {
        using var leaf = KeyFile.Create("leaf", TimeProvider.System);
        using var other = KeyFile.Create("authority", TimeProvider.System);
        leaf.Save(Path("key.pem"));
        File.AppendAllText(Path("key.pem"), other.Certificate.ExportCertificatePem());
        using var read = KeyFile.Load(Path("key.pem"));
        Assert.Equal(leaf.Pin, read.Pin);
        Assert.Equal(other.Pin, Pin.Of(Assert.Single(read.Chain)));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("no key at all")]
    [InlineData("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")]
    public void KeyFile_Unusable_SaysWhere(string? content)
    {
        if (content is not null)
        {
            File.WriteAllText(Path("bad.pem"), content);
        }

        string message = Assert.Throws<ConfigurationException>(() => KeyFile.Load(Path("bad.pem"))).Message;
        Assert.StartsWith(Path("bad.pem"), message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
    }

    [Fact]
    public void KeyFile_CertificateAlone_IsRefused()
    {
        using var key = KeyFile.Create("test", TimeProvider.System);
        File.WriteAllText(Path("cert.pem"), key.Certificate.ExportCertificatePem());
        Assert.Throws<ConfigurationException>(() => KeyFile.Load(Path("cert.pem")));
    }

    [Fact]
    public void Pin_IsTheHashOfThePublicKey_AndSurvivesRenewal()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var expected = "sha256:" + Convert.ToHexStringLower(SHA256.HashData(key.ExportSubjectPublicKeyInfo()));
        foreach (string name in new[] { "CN=one", "CN=two" })
        {
            var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
            using X509Certificate2 certificate = request.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(90));
            Assert.Equal(expected, Pin.Of(certificate).ToString());
        }
    }

    [Theory]
    [InlineData("sha256:00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF", true)]
    [InlineData("SHA256:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", true)]
    [InlineData("sha256:00112233445566778899aabbccddeeff00112233445566778899aabbccddeef", false)]
    [InlineData("sha256:00112233445566778899aabbccddeeff00112233445566778899aabbccddeefff", false)]
    [InlineData("sha256:0011223344556677889 aabbccddeeff00112233445566778899aabbccddeeff", false)]
    [InlineData("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", false)]
    [InlineData("", false)]
    public void Pin_Parse(string text, bool isPin)
    {
        Assert.Equal(isPin, Pin.TryParse(text, out Pin? pin));
        Assert.Equal(isPin ? text.ToLowerInvariant() : null, pin?.ToString());
    }

    [Fact]
    public void Authorized_ReadsNamesAndComments()
    {
        (Pin a, Pin b) = (NewPin(), NewPin());
        File.WriteAllText(Path("authorized"), $"# people\n\n{a} anna@home # laptop\n\t{b}\tbob\n");
        var keys = AuthorizedKeys.Load(Path("authorized"));
        Assert.Equal(2, keys.Count);
        Assert.True(keys.TryGet(a, out AuthorizedKey? key));
        Assert.Equal(new AuthorizedKey("anna@home", null), key);
        Assert.True(keys.TryGet(b, out _));
        Assert.False(keys.TryGet(NewPin(), out _));
    }

    [Theory]
    [InlineData("sha256:12 anna")]
    [InlineData("PIN")]
    [InlineData("PIN two words")]
    [InlineData("PIN bad\u0001name")]
    [InlineData("PIN anna\nPIN bob")]
    [InlineData("PIN anna priority=256")]
    [InlineData("PIN anna priority=")]
    [InlineData("PIN anna priority=1 more")]
    [InlineData("PIN anna speed=1")]
    public void Authorized_Mistake_NamesTheLine(string text)
    {
        string[] lines = ["# first", .. text.Replace("PIN", NewPin().ToString(), StringComparison.Ordinal).Split('\n')];
        string message = Assert.Throws<ConfigurationException>(() => AuthorizedKeys.Parse("file", lines)).Message;
        Assert.StartsWith($"file:{lines.Length}: ", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Authorized_Priority_IsRead()
    {
        Pin pin = NewPin();
        AuthorizedKeys keys = AuthorizedKeys.Parse("file", [$"{pin} anna priority=64 # no more"]);
        Assert.Equal(new AuthorizedKey("anna", 64), keys.TryGet(pin, out AuthorizedKey? key) ? key : null);
    }

    [Fact]
    public void Authorized_Changed_IsReadAgain_AndKeptWhenBad()
    {
        var log = new LogCollector();
        (Pin a, Pin b) = (NewPin(), NewPin());
        File.WriteAllText(Path("authorized"), $"{a} anna\n");
        WatchedFile<AuthorizedKeys> keys = new KeyStore().WatchAuthorizedKeys(Path("authorized"), TimeProvider.System, log);
        Assert.False(keys.Refresh());

        File.WriteAllText(Path("authorized"), $"{a} anna\n{b} bob\n");
        Assert.True(keys.Refresh());
        Assert.True(keys.Current.TryGet(b, out _));

        File.WriteAllText(Path("authorized"), $"{a} anna\noops\n");
        Assert.False(keys.Refresh());
        Assert.False(keys.Refresh());
        Assert.True(keys.Current.TryGet(b, out _));
        Assert.Contains("authorized:2:", Assert.Single(log.Entries, entry => entry.Id == 61).Text, StringComparison.Ordinal);

        File.Delete(Path("authorized"));
        Assert.False(keys.Refresh());
        Assert.True(keys.Current.TryGet(a, out _));

        File.WriteAllText(Path("authorized"), "");
        Assert.True(keys.Refresh());
        Assert.Equal(0, keys.Current.Count);
        Assert.Equal("0 keys", keys.Current.CountText);
        Assert.Contains("authorizes nobody", log.Entries.Last().Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a:b", true)]
    [InlineData("a:b:c", true)]
    [InlineData("a:", false)]
    [InlineData(":b", false)]
    [InlineData("ab", false)]
    [InlineData("a b:c", false)]
    public void Users_TakeNameAndPassword(string text, bool isUser) => Assert.Equal(isUser, new Users().TryAdd(text));

    private static Pin NewPin()
    {
        using var key = KeyFile.Create("test", TimeProvider.System);
        return key.Pin;
    }
}
