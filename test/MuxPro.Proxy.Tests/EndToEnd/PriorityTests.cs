using MuxPro.Proxy.Cli;
using MuxPro.Proxy.Security;
using MuxPro.Proxy.Tests.Support;

namespace MuxPro.Proxy.Tests.EndToEnd;

/// <summary>
/// What the client asks for, and what the server lets it have: the server says which priority a sub-connection had there.
/// </summary>
public sealed class PriorityTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("", 0, 0, 0)]
    [InlineData("", 30, 200, 200)]
    [InlineData("", 30, 0, 30)]
    [InlineData(" priority=200", 0, 0, 200)]
    [InlineData(" priority=200", 0, 255, 255)]
    [InlineData(" priority=0", 30, 0, 0)]
    public async Task LowerOfWhatIsAskedForAndAllowed(string ofKey, byte ofServer, byte asked, byte expected)
    {
        string directory = Directory.CreateTempSubdirectory("muxpro-test-").FullName;
        string path = Path.Combine(directory, "authorized");
        using var key = KeyFile.Create("client", TimeProvider.System);
        await File.WriteAllTextAsync(path, $"{key.Pin} anna{ofKey}\n", Cancel);
        await using Origin origin = await Origin.StartAsync();
        await using ProxyPair pair = await ProxyPair.StartAsync(
            server: options => options with
            {
                Authorized = path,
                HighestPriority = ofServer,
            },
            client: options => options with
            {
                Key = key,
                Rules = PriorityOption.ToRules("--priority", [$"1-65535={asked}"]),
            });
        using (HttpClient http = pair.HttpClient("http"))
        {
            Assert.Equal(10, (await http.GetByteArrayAsync(origin.Uri("/bytes/10"), Cancel)).Length);
        }

        // What the application keeps open has not ended: the line comes once it is gone.
        Assert.Contains($", priority {expected},", await pair.ServerLog.WaitAsync(70), StringComparison.Ordinal);
        Directory.Delete(directory, recursive: true);
    }
}
