using CsCheck;
using MuxPro.Core;

namespace MuxPro.Tests.Core;

/// <summary>What depends on time: budgets and the KeepAlive.</summary>
public sealed class ClockworkTests
{
    private const long Second = 10_000_000;

    [Fact]
    public void Budget_AllowsTenSecondsWorthAtOnce_ThenTheRate()
    {
        var budget = new Budget(5, Second, now: 100);
        Assert.Equal(50, Spend(ref budget, 1000, now: 100));
        Assert.Equal(0, Spend(ref budget, 1000, now: 100 + (Second / 5) - 1));
        Assert.Equal(1, Spend(ref budget, 1000, now: 100 + (Second / 5)));
        Assert.Equal(5, Spend(ref budget, 1000, now: 100 + (Second / 5) + Second));
        Assert.Equal(50, Spend(ref budget, 1000, now: 100 + (1000 * Second)));
    }

    [Fact]
    public void Budget_AfterAPause_AllowsNoMoreThanTheBurst()
    {
        var budget = new Budget(5, Second, now: 0);
        Assert.Equal(1, Spend(ref budget, 1, now: 0));
        Assert.Equal(50, Spend(ref budget, 1000, now: 3600 * Second));
    }

    [Fact]
    public void Budget_IsATokenBucket() => Gen.Select(
            Gen.Int[1, 1000], Gen.Select(Gen.OneOf(Gen.Long[0, Second / 100], Gen.Long[0, 3 * Second]), Gen.Int[1, 400]).Array[1, 60])
        .Sample(
            (perSecond, operations) =>
            {
                var budget = new Budget(perSecond, Second, now: 0);
                double exact = 10.0 * perSecond;
                long now = 0;
                foreach ((long passed, int wanted) in operations)
                {
                    now += passed;
                    exact = Math.Min(10.0 * perSecond, exact + ((double)passed / Second * perSecond));
                    int spent = Spend(ref budget, wanted, now);
                    Assert.True(spent <= exact + 1, $"{spent} spent where {exact} were left.");
                    Assert.True(spent == wanted || spent > exact - 2, $"{spent} of {wanted} spent where {exact} were left.");
                    exact -= spent;
                }
            },
            iter: 3000);

    [Theory]
    [InlineData(100, 0, 99, false)]
    [InlineData(100, 0, 100, true)]
    [InlineData(100, 0, 101, true)]
    [InlineData(100, 50, 149, false)]
    [InlineData(100, 50, 150, true)]
    [InlineData(-1, 0, long.MaxValue, false)]
    public void KeepAlive_IsDueAfterTheIntervalWithoutSending(long interval, long sent, long now, bool due)
    {
        var keepAlive = new KeepAlive(interval, now: 0);
        if (sent > 0)
        {
            keepAlive.OnSent(sent);
        }

        Assert.Equal(due, keepAlive.IsDue(now));
        keepAlive.OnSent(now);
        Assert.False(keepAlive.IsDue(now));
    }

    private static int Spend(ref Budget budget, int wanted, long now)
    {
        int spent = 0;
        while (spent < wanted && budget.TrySpend(now))
        {
            spent++;
        }

        return spent;
    }
}
