using CsCheck;
using MuxPro.Core;

namespace MuxPro.Tests.Core;

public sealed class BackOffTests
{
    private const long First = 1_000;
    private const long Longest = 50_000;

    [Fact]
    public void WaitsDouble_UpToTheLongest()
    {
        var backOff = new BackOff(First, Longest);
        long[] waits = [.. Enumerable.Range(0, 9).Select(_ => Fail(ref backOff, now: 7, random: 0.5))];
        Assert.Equal([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 50_000, 50_000, 50_000], waits);
    }

    [Fact]
    public void Jitter_IsAFifth_EitherWay()
        => Gen.Select(Gen.Double[0, 1], Gen.Int[1, 100], Gen.Long[0, 1L << 60]).Sample((random, failures, now) =>
    {
        var backOff = new BackOff(First, Longest);
        long wait = 0;
        for (int i = 0; i < failures; i++)
        {
            wait = Fail(ref backOff, now, random);
        }

        long middle = (long)Math.Min(Longest, First * Math.Pow(2, failures - 1));
        Assert.InRange(wait, (long)(middle * 0.8) - 1, (long)(middle * 1.2) + 1);
        Assert.False(backOff.IsOver(now + wait - 1));
        Assert.True(backOff.IsOver(now + wait));
    });

    [Fact]
    public void Success_ResetsIt()
    {
        var backOff = new BackOff(First, Longest);
        Fail(ref backOff, 0, 0.5);
        Fail(ref backOff, 0, 0.5);
        backOff.Begin();
        backOff.OnSucceeded();
        Assert.True(backOff is { IsOn: false } && backOff.IsOver(0));
        Assert.Equal(First, Fail(ref backOff, 0, 0.5));
    }

    [Fact]
    public void ManyThatFailTogether_CountOnce()
    {
        var backOff = new BackOff(First, Longest);
        int[] attempts = [backOff.Begin(), backOff.Begin(), backOff.Begin()];
        foreach (int attempt in attempts)
        {
            backOff.OnFailed(attempt, now: attempt * 10, 0.5);
        }

        Assert.Equal(First, backOff.Until);
        Assert.Equal(2 * First, Fail(ref backOff, 0, 0.5));
    }

    [Fact]
    public void FailureThatBeganBeforeASuccess_IsOldNews()
    {
        var backOff = new BackOff(First, Longest);
        int stuck = backOff.Begin();
        backOff.Begin();
        backOff.OnSucceeded();
        backOff.OnFailed(stuck, 10, 0.5);
        Assert.False(backOff.IsOn);
    }

    private static long Fail(ref BackOff backOff, long now, double random)
    {
        backOff.OnFailed(backOff.Begin(), now, random);
        return backOff.Until - now;
    }
}
