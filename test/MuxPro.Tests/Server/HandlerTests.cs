using MuxPro.Tests.Support;

namespace MuxPro.Tests;

/// <summary>Handlers of sub-connections: each ends its own, in order or with a reset, and none touches another.</summary>
public sealed class HandlerTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact(Timeout = MuxPair.Guard)]
    public async Task Returns_TheSubConnectionEndsInOrder()
    {
        (ClientManager client, Task serving) = Start(async (session, _) => await session.SendTextAsync($"to {session.Destination}"));
        await using (Session session = await client.OpenAsync(Destination.Tcp("a", 1), Cancel))
        {
            using var reader = new StreamReader(session.AsStream());
            Assert.Equal("to tcp:a:1", await reader.ReadToEndAsync(Cancel));
        }

        await client.DisposeAsync();
        await serving;
    }

    [Theory(Timeout = MuxPair.Guard)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Throws_ItsOwnIsReset_TheOthersGoOn(bool atOnce)
    {
        var log = new MemoryLog();
        (ClientManager client, Task serving) = Start(
            (session, aborted) => session.Destination.Host switch
            {
                "bug" => atOnce ? throw new InvalidTimeZoneException("a bug") : FailAsync(new InvalidTimeZoneException("a bug")),
                "no" => FailAsync(new SessionException(ErrorCode.ProxyRejected, "not you")),
                _ => session.Input.CopyToAsync(session.Output, aborted),
            },
            new MuxOptions { LoggerFactory = log });
        await using Session neighbour = await client.OpenAsync(Destination.Tcp("echo", 7), Cancel);
        await neighbour.SendTextAsync("before");
        await neighbour.ExpectTextAsync("before");
        Session bug = await client.OpenAsync(Destination.Tcp("bug", 1), Cancel);
        await bug.ExpectErrorAsync(ErrorCode.RemoteDisconnect, remote: true);
        Session refused = await client.OpenAsync(Destination.Tcp("no", 1), Cancel);
        await refused.ExpectErrorAsync(ErrorCode.ProxyRejected, remote: true);
        await neighbour.SendTextAsync("after");
        await neighbour.ExpectTextAsync("after");
        string failed = Assert.Single(log.Lines, static line => line.Contains("handler", StringComparison.Ordinal));
        Assert.Contains("to tcp:bug:1 failed", failed, StringComparison.Ordinal);
        await client.DisposeAsync();
        await serving;
    }

    [Theory(Timeout = MuxPair.Guard)]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Aborted_TheTokenTells_AndTheServerWaitsForTheHandler(bool mainConnectionGoes)
    {
        var begun = new TaskCompletionSource();
        var told = new TaskCompletionSource();
        var goOn = new TaskCompletionSource();
        (ClientManager client, Task serving) = Start(async (_, aborted) =>
        {
            aborted.Register(told.SetResult);
            begun.SetResult();
            await goOn.Task;
            aborted.ThrowIfCancellationRequested();
        });
        Session session = await client.OpenAsync(Destination.Tcp("a", 1), Cancel);
        await begun.Task.WaitAsync(Cancel);
        if (!mainConnectionGoes)
        {
            session.Abort(ErrorCode.RemoteDisconnect);
            await told.Task.WaitAsync(Cancel);
        }

        await client.DisposeAsync();
        await told.Task.WaitAsync(Cancel);
        Assert.False(serving.IsCompleted);
        goOn.SetResult();
        await serving;
    }

    [Theory(Timeout = MuxPair.Guard)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Datagrams_AreRefused_UnlessAccepted(bool accepted)
    {
        (ClientManager client, Task serving) = Start(
            async (session, _) =>
            {
                DatagramSession flow = session.AsDatagrams();
                Datagram? asked = await flow.ReceiveAsync(Cancel);
                await flow.SendAsync(asked!.Value.Data, cancellationToken: Cancel);
            },
            accepts: accepted);
        await using (DatagramSession flow = await client.OpenDatagramsAsync(Destination.Udp("a", 1), cancellationToken: Cancel))
        {
            Assert.True(await flow.SendAsync(new byte[3], cancellationToken: Cancel));
            if (accepted)
            {
                Assert.Equal(3, (await flow.ReceiveAsync(Cancel))!.Value.Data.Length);
            }
            else
            {
                SessionException error = await Assert.ThrowsAsync<SessionException>(async () => await flow.ReceiveAsync(Cancel));
                Assert.Equal(ErrorCode.ProxyRejected, error.ErrorCode);
            }
        }

        await client.DisposeAsync();
        await serving;
    }

    private static async Task FailAsync(Exception exception)
    {
        await Task.Yield();
        throw exception;
    }

    private static (ClientManager Client, Task Serving) Start(
        Func<Session, CancellationToken, Task> handle, MuxOptions? options = null, bool accepts = false)
    {
        (Link near, Link far) = Link.CreatePair();
        Task serving = new Server(options: options) { AcceptsDatagrams = accepts }.RunAsync(far, handle, Cancel);
        return (MuxClient.Connect(_ => ValueTask.FromResult(near)), serving);
    }
}
