using System.Globalization;
using System.Net;
using System.Net.Sockets;
using MuxPro.Proxy.Tests.Support;

namespace MuxPro.Proxy.Tests.EndToEnd;

/// <summary>What curl says of targets that are not reached: by SOCKS5, by CONNECT, and by plain HTTP.</summary>
public sealed class CauseTests
{
    [Theory]
    [InlineData("refused", "(5)", "502", "connection_refused", "refused the connection")]
    [InlineData("unreachable", "(3)", "502", "destination_ip_unroutable", "network is unreachable")]
    [InlineData("unknown", "(4)", "502", "dns_error", "name was not found")]
    [InlineData("forbidden", "(2)", "403", "destination_ip_prohibited", "does not allow")]
    public async Task Curl_TellsTheCausesApart(string cause, string socks, string status, string error, string words)
    {
        await using ProxyPair pair = await ProxyPair.StartAsync(server: options => options with { AllowPrivate = cause != "forbidden" });
        string target = cause switch
        {
            "refused" => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{RefusalTests.ClosedPort()}/"),
            // No stream goes to a group: the kernel has no way there.
            "unreachable" => "http://224.0.0.1/",
            "unknown" => "http://no-such-name.invalid/",
            _ => "http://127.0.0.1:1/",
        };
        string proxy = string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{pair.EndPoint.Port}");

        (int exitCode, string said) = await CurlAsync("--proxy", $"socks5h://{proxy}", target);
        Assert.Equal(97, exitCode);
        Assert.Contains(socks, said, StringComparison.Ordinal);

        (exitCode, said) = await CurlAsync("--verbose", "--proxy", $"http://{proxy}", "--proxytunnel", target);
        Assert.Equal(56, exitCode);
        Assert.Contains($"response {status}", said, StringComparison.Ordinal);
        Assert.Contains($"Proxy-Status: muxpro; error={error}; details=", said, StringComparison.Ordinal);

        (exitCode, said) = await CurlAsync("--include", "--proxy", $"http://{proxy}", target);
        Assert.Equal(0, exitCode);
        Assert.StartsWith($"HTTP/1.1 {status} ", said, StringComparison.Ordinal);
        Assert.Contains($"Proxy-Status: muxpro; error={error}; details=", said, StringComparison.Ordinal);
        Assert.Contains(words, said.Split("\r\n\r\n")[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Curl_TimedOut()
    {
        // A listener whose backlog is full answers nobody.
        using var full = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        full.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        full.Listen(0);
        var waiting = new List<Socket>();
        for (int i = 0; i < 3; i++)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
            waiting.Add(socket);
            try
            {
                socket.Connect(full.LocalEndPoint!);
            }
            catch (SocketException exception) when (exception.SocketErrorCode is SocketError.WouldBlock or SocketError.InProgress)
            {
                // That is how it starts.
            }
        }

        await using ProxyPair pair = await ProxyPair.StartAsync(server: options => options with { ConnectTimeout = 1 });
        string proxy = string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{pair.EndPoint.Port}");
        string target = $"http://{full.LocalEndPoint}/";
        (int exitCode, string said) = await CurlAsync("--proxy", $"socks5h://{proxy}", target);
        Assert.Equal(97, exitCode);
        Assert.Contains("(6)", said, StringComparison.Ordinal);
        (_, said) = await CurlAsync("--verbose", "--proxy", $"http://{proxy}", "--proxytunnel", target);
        Assert.Contains("response 504", said, StringComparison.Ordinal);
        (_, said) = await CurlAsync("--include", "--proxy", $"http://{proxy}", target);
        Assert.StartsWith("HTTP/1.1 504 ", said, StringComparison.Ordinal);
        Assert.Contains("error=connection_timeout", said, StringComparison.Ordinal);
        waiting.ForEach(socket => socket.Dispose());
    }

    private static Task<(int ExitCode, string Said)> CurlAsync(params string[] arguments)
        => Tool.RunAsync("curl", ["--silent", "--show-error", "--max-time", "30", "--noproxy", "", .. arguments]);
}
