using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Time.Testing;

namespace MuxPro.Tests;

public sealed class HappyEyeballsTests : IDisposable
{
    private static readonly IPAddress A4 = IPAddress.Parse("192.0.2.1");
    private static readonly IPAddress B4 = IPAddress.Parse("192.0.2.2");
    private static readonly IPAddress C4 = IPAddress.Parse("192.0.2.3");
    private static readonly IPAddress A6 = IPAddress.Parse("2001:db8::1");
    private static readonly IPAddress B6 = IPAddress.Parse("2001:db8::2");

    private readonly FakeTimeProvider _time = new();
    private readonly List<(IPAddress Address, TaskCompletionSource<Socket> Outcome, CancellationToken Decided)> _attempts = [];
    private readonly List<Socket> _sockets = [];

    public void Dispose() => _sockets.ForEach(socket => socket.Dispose());

    [Fact]
    public void Interleave_FamiliesTakeTurns_StartingWithTheFirst()
    {
        Assert.Equal([A6, A4, B6, B4, C4], HappyEyeballs.Interleave([A6, B6, A4, B4, C4]));
        Assert.Equal([A4, A6, B4, C4], HappyEyeballs.Interleave([A4, B4, C4, A6]));
        Assert.Equal([A4], HappyEyeballs.Interleave([A4]));
        Assert.Empty(HappyEyeballs.Interleave([]));
    }

    [Fact]
    public void Interleave_ManyAddresses_SixteenTried()
        => Assert.Equal(16, HappyEyeballs.Interleave([.. Enumerable.Repeat(A4, 1000)]).Length);

    [Fact]
    public async Task Attempt_Silent_NextJoinsAfter250Milliseconds()
    {
        Task<Socket> connecting = Connect(A6, A4, B6);
        Assert.Equal([A6], Started);
        _time.Advance(TimeSpan.FromMilliseconds(249));
        Assert.Equal([A6], Started);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        await UntilStarted(2);
        Assert.Equal([A6, A4], Started);
        _time.Advance(TimeSpan.FromMilliseconds(250));
        await UntilStarted(3);

        Socket winner = Succeed(1);
        Assert.Same(winner, await connecting);
        Assert.True(_attempts[0].Decided.IsCancellationRequested);
    }

    [Fact]
    public async Task Attempt_Fails_NextStartsAtOnce()
    {
        Task<Socket> connecting = Connect(A6, A4);
        Fail(0, SocketError.NetworkUnreachable);
        await UntilStarted(2);
        Socket winner = Succeed(1);
        Assert.Same(winner, await connecting);
    }

    [Fact]
    public async Task Loser_ThatConnectedToo_Closed()
    {
        Task<Socket> connecting = Connect(A6, A4);
        _time.Advance(HappyEyeballs.AttemptDelay);
        await UntilStarted(2);
        Socket winner = Succeed(1);
        Assert.Same(winner, await connecting);
        Socket loser = Succeed(0);
        while (!loser.SafeHandle.IsClosed)
        {
            await Task.Yield();
        }

        Assert.False(winner.SafeHandle.IsClosed);
    }

    [Fact]
    public async Task All_Fail_FirstFailureThrown()
    {
        Task<Socket> connecting = Connect(A6, A4);
        Fail(0, SocketError.ConnectionRefused);
        await UntilStarted(2);
        Fail(1, SocketError.NetworkUnreachable);
        var exception = await Assert.ThrowsAsync<SocketException>(() => connecting);
        Assert.Equal(SocketError.ConnectionRefused, exception.SocketErrorCode);
    }

    [Fact]
    public async Task Cancelled_NoFurtherAttempt()
    {
        using var cancel = new CancellationTokenSource();
        Task<Socket> connecting = HappyEyeballs.ConnectAsync([A6, A4], 80, Attempt, _time, cancel.Token);
        await cancel.CancelAsync();
        _attempts[0].Outcome.SetCanceled(cancel.Token);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => connecting);
        Assert.Equal([A6], Started);
    }

    private IPAddress[] Started
    {
        get
        {
            lock (_attempts)
            {
                return [.. _attempts.Select(attempt => attempt.Address)];
            }
        }
    }

    private Task<Socket> Connect(params IPAddress[] addresses)
        => HappyEyeballs.ConnectAsync(addresses, 80, Attempt, _time, TestContext.Current.CancellationToken);

    private Task<Socket> Attempt(IPEndPoint endPoint, CancellationToken decided)
    {
        var outcome = new TaskCompletionSource<Socket>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_attempts)
        {
            _attempts.Add((endPoint.Address, outcome, decided));
        }

        return outcome.Task;
    }

    private async Task UntilStarted(int count)
    {
        while (Started.Length < count)
        {
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    private Socket Succeed(int attempt)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        _sockets.Add(socket);
        _attempts[attempt].Outcome.SetResult(socket);
        return socket;
    }

    private void Fail(int attempt, SocketError error) => _attempts[attempt].Outcome.SetException(new SocketException((int)error));
}
