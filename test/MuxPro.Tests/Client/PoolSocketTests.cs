using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Time.Testing;
using MuxPro.Tests.Support;

namespace MuxPro.Tests;

/// <summary>The pool over real sockets: servers that are slow to answer, or do not.</summary>
public sealed class PoolSocketTests : IDisposable
{
    private static readonly Destination Target = Destination.Tcp("target.example", 80);

    private readonly FakeTimeProvider _time = new();
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

    public PoolSocketTests() => _listener.Start(512);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _listener.Dispose();

    [Theory(Timeout = MuxPair.Guard)]
    [InlineData(8)]
    [InlineData(7)]
    public async Task FirstRequests_ServerTakesASecond_FewDials_NobodyFails(int concurrency)
    {
        int missing = (200 + concurrency - 1) / concurrency;
        await using var picker = new LeastLoadedWorkerPicker(Factory(new ClientStrategy { MaxConcurrency = concurrency }));
        await using var client = new ClientManager(picker);
        Task<Session>[] opens = [.. Enumerable.Range(0, 200).Select(
            _ => Task.Run(() => client.ConnectAsync(Target, cancellationToken: Cancel).AsTask(), Cancel))];
        var sockets = new List<Socket>();
        for (int i = 0; i < missing; i++)
        {
            sockets.Add(await _listener.AcceptSocketAsync(Cancel));
        }

        await Task.Run(() => _time.Advance(TimeSpan.FromSeconds(1)), Cancel);
        Assert.DoesNotContain(opens, static open => open.IsCompleted);
        sockets.ForEach(Serve);
        Session[] sessions = await Task.WhenAll(opens);
        Assert.Equal(missing, picker.Workers.Count);
        Assert.All(picker.Workers, worker => Assert.InRange(worker.ActiveSessions, 1, concurrency));
        Assert.False(_listener.Pending());
        await Task.WhenAll(sessions.Select(EchoAsync));
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task NegotiationNeverAnswered_BlocksNobody_AndTimesOut()
    {
        await using var picker = new IncrementalWorkerPicker(Factory(new ClientStrategy { MaxConcurrency = 2 }));
        await using var client = new ClientManager(picker);
        Task<Session> first = client.OpenAsync(Target, Cancel).AsTask();
        using Socket mute = await _listener.AcceptSocketAsync(Cancel);
        Assert.NotEqual(0, await mute.ReceiveAsync(new byte[100], Cancel));

        // One place of the stuck dial is left; the next two need another one, and that serves who waits longest.
        Task<Session>[] others = [.. Enumerable.Range(0, 2).Select(_ => client.OpenAsync(Target, Cancel).AsTask())];
        Serve(await _listener.AcceptSocketAsync(Cancel));
        await Task.WhenAll(first, others[0]);
        Assert.False(others[1].IsCompleted);

        // And the last one does not wait for it either.
        await Task.Run(() => _time.Advance(TimeSpan.FromSeconds(5)), Cancel);
        await Task.Run(() => _time.Advance(TimeSpan.FromSeconds(0.12)), Cancel);
        Serve(await _listener.AcceptSocketAsync(Cancel));
        await EchoAsync(await others[1]);
        await Task.Run(() => _time.Advance(TimeSpan.FromSeconds(5.5)), Cancel);
        await EndAsync(mute);
        await EchoAsync(await first);
    }

    /// <summary>The client is gone: in order or by a reset.</summary>
    private static async Task EndAsync(Socket socket)
    {
        try
        {
            Assert.Equal(0, await socket.ReceiveAsync(new byte[1], Cancel));
        }
        catch (SocketException exception)
        {
            Assert.Equal(SocketError.ConnectionReset, exception.SocketErrorCode);
        }
    }

    private static async Task EchoAsync(Session session)
    {
        await session.Output.WriteAsync(new byte[] { 42 }, Cancel);
        Assert.Equal(42, (await session.Input.ReadAsync(Cancel)).Buffer.FirstSpan[0]);
        await session.DisposeAsync();
    }

    private void Serve(Socket socket) => _ = new ServerWorker(Link.FromSocket(socket), new Echo());

    private DialingWorkerFactory Factory(ClientStrategy strategy) => new(
        ct => Link.ConnectTcpAsync("127.0.0.1", ((IPEndPoint)_listener.LocalEndpoint).Port, ct),
        strategy,
        new MuxOptions { TimeProvider = _time });
}
