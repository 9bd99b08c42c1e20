using System.Security.Cryptography;
using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Tests.Support;

namespace MuxPro.Proxy.Tests;

/// <summary>A gigabyte for many applications at once.</summary>
[Collection(nameof(Heavy))]
public sealed class ManyDownloadsTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ManyDownloads_ShareMainConnections()
    {
        const int Downloads = 200;
        const int Size = 5_000_000;
        await using Origin origin = await Origin.StartAsync();
        await using ProxyPair pair = await ProxyPair.StartAsync(
            client: options => options with { Mux = new MuxConfiguration { Concurrency = 8, MaxConnection = 0 } });
        using HttpClient http = pair.HttpClient("socks5");
        string expected = Origin.HashOf(Origin.Bytes(Size));
        string[] hashes = await Task.WhenAll(Enumerable.Range(0, Downloads).Select(async _ =>
        {
            try
            {
                await using Stream body = await http.GetStreamAsync(origin.Uri($"/bytes/{Size}"), Cancel);
                return Convert.ToHexStringLower(await SHA256.HashDataAsync(body, Cancel));
            }
            catch (Exception exception) when (exception is HttpRequestException or IOException)
            {
                // What the two programs said tells more than a connection that was reset.
                throw new IOException($"{exception.Message}\nclient: {pair.ClientLog}\nserver: {pair.ServerLog}", exception);
            }
        }));
        Assert.All(hashes, hash => Assert.Equal(expected, hash));
        Assert.InRange(pair.DialedConnections, 1, Downloads / 8);
    }
}
