using System.Net;

namespace MuxPro.Tests;

public class NameResolverTests
{
    [Fact(Timeout = 30_000)]
    public async Task SlowLookups_HoldNoThreadOfThePool_AndAreBounded()
    {
        CancellationToken cancel = TestContext.Current.CancellationToken;
        using var answer = new ManualResetEventSlim();
        int running = 0;
        IPAddress[] LookUp(string name)
        {
            Assert.False(Thread.CurrentThread.IsThreadPoolThread);
            Interlocked.Increment(ref running);
            answer.Wait(cancel);
            return [IPAddress.Loopback];
        }

        Task<IPAddress[]>[] lookups =
            [.. Enumerable.Range(0, 200).Select(i => NameResolver.ResolveAsync($"slow{i}.example", LookUp, cancel))];
        using var impatient = new CancellationTokenSource();
        Task<IPAddress[]> late = NameResolver.ResolveAsync("late.example", LookUp, impatient.Token);
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => late);

        Assert.InRange(Volatile.Read(ref running), 0, 64);
        answer.Set();
        Assert.All(await Task.WhenAll(lookups), addresses => Assert.Equal(IPAddress.Loopback, Assert.Single(addresses)));
        Assert.Equal(200, running);
    }
}
