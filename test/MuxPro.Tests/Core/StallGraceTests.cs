using MuxPro.Core;

namespace MuxPro.Tests.Core;

public sealed class StallGraceTests
{
    private const long Most = 500;
    private const long Share = 256;

    [Fact]
    public void WhoReads_IsWaitedForForEver()
    {
        var grace = new StallGrace();
        long now = 0;
        long taken = 0;
        for (int i = 0; i < 1_000; i++)
        {
            grace.Refill(now, Most);
            now += 400;
            grace.Spend(400, now);
            taken += Share;
            grace.Renew(taken, Share);
            Assert.False(grace.IsSpent);
        }
    }

    [Fact]
    public void WhoHasStopped_HasTheGraceOnce()
    {
        var grace = new StallGrace();
        grace.Refill(0, Most);
        grace.Renew(taken: 0, Share);
        grace.Spend(499, 499);
        Assert.False(grace.IsSpent);
        grace.Spend(1, 500);
        Assert.True(grace.IsSpent);
    }

    [Fact]
    public void WhoTrickles_RunsOutOfIt()
    {
        var grace = new StallGrace();
        long now = 0;
        long taken = 0;
        int rounds = 0;
        for (grace.Refill(now, Most); !grace.IsSpent; rounds++)
        {
            now += 100;
            grace.Spend(100, now);
            grace.Renew(taken += 10, Share);
        }

        Assert.Equal(5, rounds);
    }

    [Fact]
    public void TimeThatPasses_BringsATenthBack()
    {
        var grace = new StallGrace();
        grace.Refill(0, Most);
        grace.Spend(500, 500);
        grace.Refill(1_500, Most);
        Assert.Equal(100, grace.Left);
        grace.Refill(1_000_000, Most);
        Assert.Equal(Most, grace.Left);
    }
}
