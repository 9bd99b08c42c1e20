using MuxPro.Proxy.Cli;
using MuxPro.Proxy.Security;

namespace MuxPro.Proxy.Tests.Cli;

public sealed class CommandLineTests : IDisposable
{
    private const string SomePin = "sha256:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    private readonly string _directory = Directory.CreateTempSubdirectory("muxpro-test-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [InlineData("bogus", "'bogus'")]
    [InlineData("up --listen", "--listen")]
    [InlineData("up --listen nonsense", "--listen 'nonsense'")]
    [InlineData("up --listen 127.0.0.1", "--listen '127.0.0.1'")]
    [InlineData("up --listen 127.0.0.1:99999", "--listen '127.0.0.1:99999': a port is a number from 0 to 65535")]
    [InlineData("up --listen example.com:1080", "--listen 'example.com:1080'")]
    [InlineData("up --listen 0.0.0.0:0", "loopback only")]
    [InlineData("up --log-level loud", "--log-level 'loud'")]
    [InlineData("server", "--listen")]
    [InlineData("server --listen 127.0.0.1:0", "--key is missing")]
    [InlineData("server --listen 127.0.0.1:0 --key DIR/none.pem", "--key DIR/none.pem: there is no such file")]
    [InlineData("server --listen 0.0.0.0:0 --key DIR/server.pem", "--authorized")]
    [InlineData("server --listen [::]:0 --plaintext", "--allow-anonymous")]
    [InlineData("server --listen 127.0.0.1:0 --plaintext --key DIR/server.pem", "--plaintext")]
    [InlineData("server --listen 127.0.0.1:0 --plaintext --authorized DIR/authorized", "--plaintext")]
    [InlineData("server --listen 127.0.0.1:0 --key DIR/server.pem --authorized DIR/none", "--authorized DIR/none: there is no such file")]
    [InlineData("server --listen 127.0.0.1:0 --key DIR/server.pem --authorized DIR/bad", "--authorized DIR/bad:2:")]
    [InlineData("server --listen 127.0.0.1:0 --key DIR/server.pem --authorized DIR/authorized --allow-anonymous", "contradict")]
    [InlineData("server --listen 127.0.0.1:0 --key DIR/server.pem --max-clients 0", "--max-clients '0'")]
    [InlineData("client --server here:1", "--pin")]
    [InlineData("client --server here", "--server 'here'")]
    [InlineData("client --server here:0 --ca", "--server 'here:0': a port is a number from 1 to 65535")]
    [InlineData("client --server here:1 --ca --user a:1 --allow-anonymous", "contradict")]
    [InlineData("client --server here:1 --ca --key EMPTY", "--key ''")]
    [InlineData("server --listen 127.0.0.1:0 --key EMPTY", "--key ''")]
    [InlineData("server --listen 127.0.0.1:0 --key DIR/server.pem --authorized EMPTY", "--authorized ''")]
    [InlineData("server --listen 127.0.0.1:0 --key DIR", "--key DIR: ")]
    [InlineData(
        "server --listen 127.0.0.1:0 --key DIR/mixed.pem",
        "--key DIR/mixed.pem: its certificate and its private key do not belong together")]
    [InlineData("server --listen 0.0.0.0:0 --plaintext", "say --allow-anonymous")]
    [InlineData("keys --out EMPTY", "--out ''")]
    [InlineData("client --server here:1 --pin sha256:12", "--pin 'sha256:12'")]
    [InlineData("client --server here:1 --ca --pin " + SomePin, "--ca")]
    [InlineData("client --server here:1 --plaintext --pin " + SomePin, "--plaintext")]
    [InlineData("client --server here:1 --ca --key DIR/bad", "--key DIR/bad: has no certificate")]
    [InlineData("client --server here:1 --ca --listen 0.0.0.0:0", "--user")]
    [InlineData("client --server here:1 --ca --user nocolon", "--user")]
    [InlineData("client --server here:1 --ca --user a:1 --user a:2", "--user number 2")]
    [InlineData("client --server here:1 --ca --concurrency 0", "--concurrency '0'")]
    [InlineData("client --server here:1 --ca --concurrency many", "--concurrency 'many'")]
    [InlineData("client --server here:1 --ca --max-connection -1", "--max-connection")]
    [InlineData("client --server here:1 --server there:0 --ca", "--server 'there:0'")]
    [InlineData("client --server here:1 --server here:1 --ca", "--server here:1 is there twice")]
    [InlineData(
        "client --server a:1 --server b:1 --server c:1 --pin " + SomePin + " --pin " + SomePin, "--pin is there 2 times, --server 3 times")]
    [InlineData("client --server here:1 --ca --priority 22", "--priority '22': is not PORT=PRIORITY")]
    [InlineData("client --server here:1 --ca --priority 22=0,443=256", "--priority '443=256': a priority is")]
    [InlineData("client --server here:1 --ca --priority 22=0 --priority 9-8=1", "--priority '9-8=1': a port is")]
    [InlineData("client --server here:1 --ca --priority 0=1", "--priority '0=1': a port is")]
    [InlineData("client --server here:1 --ca --max-age -1", "--max-age")]
    [InlineData("client --server here:1 --ca --max-idle -1", "--max-idle")]
    [InlineData("client --server here:1 --ca --max-bytes 10X", "--max-bytes '10X'")]
    [InlineData("client --server here:1 --ca --max-bytes 9999999999G", "--max-bytes '9999999999G'")]
    [InlineData("client --server here:1 --ca --xudp-concurrency 65536", "--xudp-concurrency '65536'")]
    [InlineData("client --server here:1 --ca --picker best", "--picker 'best': is none of incremental, least-loaded")]
    [InlineData("client --server here:1 --ca --udp-timeout 0", "--udp-timeout '0'")]
    [InlineData("client --server here:1 --ca --versions 0.1,0.2", "--versions '0.1,0.2': '0.2' is none of private, 0.1, 0.0")]
    [InlineData("server --listen 127.0.0.1:0 --plaintext --versions EMPTY", "--versions ''")]
    [InlineData("server --listen 127.0.0.1:0 --plaintext --highest-priority 256", "--highest-priority '256'")]
    [InlineData("server --listen 127.0.0.1:0 --plaintext --drain-timeout -1", "--drain-timeout")]
    [InlineData("keys", "--out")]
    [InlineData("keys --out DIR", "server.pem")]
    public async Task BadArguments_OneLine_Exit23(string line, string said)
    {
        MakeFiles();
        (int exitCode, string output, string error) = await RunAsync(line.Replace("DIR", _directory, StringComparison.Ordinal));
        Assert.Equal(ExitCode.BadConfiguration, exitCode);
        Assert.Empty(output);
        Assert.StartsWith("muxpro: ", error, StringComparison.Ordinal);
        Assert.Single(error.TrimEnd('\n').Split('\n'));
        Assert.Contains(said.Replace("DIR", _directory, StringComparison.Ordinal), error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task NoArguments_PrintTheHelp_Exit23()
    {
        (int exitCode, string output, string error) = await RunAsync("");
        Assert.Equal((ExitCode.BadConfiguration, ""), (exitCode, output));
        Assert.Contains("keys", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("check -config FILE", "good")]
    [InlineData("check -config=FILE -test", "good")]
    [InlineData("check -confdir DIR", "good")]
    [InlineData("run -test -config FILE", "would run")]
    [InlineData("run --dry-run -confdir=DIR", "would run")]
    public async Task OptionsOfV2Ray_WithOneDash(string line, string said)
    {
        string file = Path.Combine(_directory, "config.json");
        await File.WriteAllTextAsync(
            file,
            """{ "inbounds": [ { "protocol": "socks", "listen": "SOCKET", "streamSettings": { "network": "unix" } } ], """
                .Replace("SOCKET", Path.Combine(_directory, "s").Replace('\\', '/'), StringComparison.Ordinal)
                + """ "outbounds": [ { "protocol": "freedom" } ] }""",
            TestContext.Current.CancellationToken);
        (int exitCode, string output, string error) = await RunAsync(
            line.Replace("FILE", file, StringComparison.Ordinal).Replace("DIR", _directory, StringComparison.Ordinal));
        Assert.Equal((ExitCode.Success, ""), (exitCode, error));
        Assert.Contains($": {said}: ", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ValueThatBeginsWithAt_IsNoFileOfArguments()
    {
        MakeFiles();
        (int exitCode, _, string error) = await RunAsync($"client --server here:1 --ca --user @{_directory}/bad");
        Assert.Equal(ExitCode.BadConfiguration, exitCode);
        Assert.Contains("--user", error, StringComparison.Ordinal);
        Assert.DoesNotContain("first", error, StringComparison.Ordinal);
        (_, _, error) = await RunAsync("client --server here:1 --ca --user @nowhere:secret --concurrency 0");
        Assert.Contains("--concurrency '0'", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task LogLevel_InAnyCase()
    {
        (_, _, string error) = await RunAsync("up --listen 0.0.0.0:0 --log-level Information");
        Assert.Contains("loopback only", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Keys_PathWithSpace_IsQuoted()
    {
        using var output = new StringWriter();
        string directory = Path.Combine(_directory, "my keys");
        Assert.Equal(
            ExitCode.Success,
            await CommandLine.RunAsync(["keys", "--out", directory], output, output, TestContext.Current.CancellationToken));
        char quote = OperatingSystem.IsWindows() ? '"' : '\'';
        Assert.Contains($"--key {quote}{Path.Combine(directory, "client.pem")}{quote} --pin", output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Password_IsNotRepeated()
    {
        (_, _, string error) = await RunAsync("client --server here:1 --ca --user :secret");
        Assert.DoesNotContain("secret", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--help", "keys")]
    [InlineData("up --help", "Example: muxpro up")]
    [InlineData("server --help", "Example: muxpro server")]
    [InlineData("client --help", "Example: muxpro client")]
    [InlineData("keys --help", "Example: muxpro keys")]
    public async Task Help_HasAnExample(string line, string said)
    {
        (int exitCode, string output, string error) = await RunAsync(line);
        Assert.Equal(ExitCode.Success, exitCode);
        Assert.Contains(said, output, StringComparison.Ordinal);
        Assert.Empty(error);
    }

    [Fact]
    public async Task Version_IsPrinted()
    {
        (int exitCode, string output, _) = await RunAsync("--version");
        Assert.Equal(ExitCode.Success, exitCode);
        Assert.NotEmpty(output.Trim());
    }

    [Fact]
    public async Task Keys_WritesWhatServerAndClientNeed()
    {
        string directory = Path.Combine(_directory, "new", "keys");
        (int exitCode, string output, string error) = await RunAsync($"keys --out {directory}");
        Assert.Equal((ExitCode.Success, ""), (exitCode, error));
        Assert.Equal(["authorized", "client.pem", "server.pem"], Directory.GetFiles(directory).Select(Path.GetFileName).Order());

        using var server = KeyFile.Load(Path.Combine(directory, "server.pem"));
        using var client = KeyFile.Load(Path.Combine(directory, "client.pem"));
        Assert.NotEqual(server.Pin, client.Pin);
        Assert.Contains($"--pin {server.Pin}", output, StringComparison.Ordinal);
        Assert.DoesNotContain("PRIVATE", output, StringComparison.Ordinal);
        var authorized = AuthorizedKeys.Load(Path.Combine(directory, "authorized"));
        Assert.True(authorized.TryGet(client.Pin, out _));
        Assert.False(authorized.TryGet(server.Pin, out _));
    }

    private static async Task<(int ExitCode, string Output, string Error)> RunAsync(string line)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        string[] args = [.. line.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(word => word == "EMPTY" ? "" : word)];
        int exitCode = await CommandLine.RunAsync(args, output, error, TestContext.Current.CancellationToken);
        return (exitCode, output.ToString(), error.ToString());
    }

    private void MakeFiles()
    {
        using var key = KeyFile.Create("test", TimeProvider.System);
        key.Save(Path.Combine(_directory, "server.pem"));
        using var other = KeyFile.Create("other", TimeProvider.System);
        using System.Security.Cryptography.ECDsa otherKey = System.Security.Cryptography.X509Certificates.ECDsaCertificateExtensions
            .GetECDsaPrivateKey(other.Certificate)!;
        File.WriteAllText(
            Path.Combine(_directory, "mixed.pem"), $"{key.Certificate.ExportCertificatePem()}\n{otherKey.ExportPkcs8PrivateKeyPem()}\n");
        File.WriteAllText(Path.Combine(_directory, "authorized"), $"{key.Pin} test\n");
        File.WriteAllText(Path.Combine(_directory, "bad"), "# first\nbad\n");
    }
}
