using CsCheck;

namespace MuxPro.Tests;

public sealed class WearLimitsTests
{
    private const long Second = 1_000;

    [Fact]
    public void NoLimits() => Assert.Equal(
        new WearLimits(WearLimits.None, WearLimits.None, WearLimits.None, WearLimits.None),
        WearLimits.Draw(new ClientStrategy { MaxConnection = 0, MaxIdle = Timeout.InfiniteTimeSpan }, Second, 0.5));

    [Fact]
    public void AgeAndBytes_Are90To100Percent_SessionsAreExact() => Gen.Double[0, 1].Sample(random =>
    {
        var strategy = new ClientStrategy { MaxConnection = 77, MaxBytes = 1_000_000, MaxAge = TimeSpan.FromHours(1) };
        WearLimits limits = WearLimits.Draw(strategy, Second, random);
        Assert.Equal(77, limits.Sessions);
        Assert.InRange(limits.Bytes, 899_999, 1_000_000);
        Assert.InRange(limits.Age, (3_240 * Second) - 1, 3_600 * Second);
    });

    [Fact]
    public void WorkersMadeTogether_DoNotGoTogether()
    {
        var strategy = new ClientStrategy { MaxBytes = 1_000_000, MaxAge = TimeSpan.FromHours(1) };
        WearLimits[] limits = [.. Enumerable.Range(0, 11).Select(i => WearLimits.Draw(strategy, Second, i / 10.0))];
        Assert.Equal(11, limits.Select(limit => limit.Age).Distinct().Count());
        Assert.Equal(11, limits.Select(limit => limit.Bytes).Distinct().Count());
    }

    [Fact]
    public void LongestAge_IsNoLimitInPractice() => Assert.True(
        WearLimits.Draw(new ClientStrategy { MaxAge = TimeSpan.MaxValue }, 1_000_000_000, 0).Age > 200L * 365 * 86_400 * 1_000_000_000);
}
