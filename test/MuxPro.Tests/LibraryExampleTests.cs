namespace MuxPro.Tests;

/// <summary>What docs/library.md shows also runs, where it needs no network.</summary>
public sealed class LibraryExampleTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task HttpClient_OverASubConnection()
    {
        (Link near, Link far) = Link.CreatePair();
        Task serving = AnswerAsync(far);
        await using (ClientManager client = MuxClient.Connect(_ => ValueTask.FromResult(near)))
        {
            using HttpClient http = LibraryExample.MakeHttpClient(client);
            Assert.Equal("hello", await http.GetStringAsync(new Uri("http://target.example/"), Cancel));
        }

        await serving;
    }

    private static async Task AnswerAsync(Link link)
    {
        await foreach (Session session in new Server().AcceptAllAsync(link, Cancel))
        {
            Assert.Equal("tcp:target.example:80", session.Destination.ToString());
            await session.Output.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"u8.ToArray(), Cancel);
            session.CompleteWrites();
        }
    }
}
