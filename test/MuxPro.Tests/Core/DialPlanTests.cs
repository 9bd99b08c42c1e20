using CsCheck;
using MuxPro.Core;

namespace MuxPro.Tests.Core;

/// <summary>When a pool dials, without a pool: time and waiters are numbers.</summary>
public sealed class DialPlanTests
{
    private const long Second = 1_000;
    private const long Late = 5 * Second;
    private const double Middle = 0.5;

    [Theory]
    [InlineData(200, 1, 200)]
    [InlineData(200, 8, 25)]
    [InlineData(201, 8, 26)]
    [InlineData(1, 8, 1)]
    [InlineData(0, 8, 0)]
    public void OneDialPerMissingWorker(int waiters, int capacity, int dials)
        => Assert.Equal(dials, BeginAll(new DialPlan(capacity, Second), waiters, 0).Count);

    [Fact]
    public void AfterAFailure_OneAtATime_AfterTheWait()
    {
        var plan = new DialPlan(2, Second);
        DialPlan.Dial dial = Assert.Single(BeginAll(plan, 2, 0));
        plan.OnFailed(dial, 10, Middle);
        Assert.Empty(BeginAll(plan, 20, 109));
        Assert.Equal(110, plan.NextDue(20));
        DialPlan.Dial probe = Assert.Single(BeginAll(plan, 20, 110));
        Assert.Empty(BeginAll(plan, 20, 1_000));
        plan.OnFailed(probe, 1_000, Middle);
        Assert.Equal(1_200, plan.NextDue(20));
        probe = Assert.Single(BeginAll(plan, 20, 1_200));
        plan.OnSucceeded(probe, 1_201);
        Assert.Equal(9, BeginAll(plan, 18, 1_201).Count);
    }

    [Fact]
    public void NobodyWaits_NothingIsDue()
    {
        var plan = new DialPlan(2, Second);
        plan.OnFailed(Assert.Single(BeginAll(plan, 1, 0)), 10, Middle);
        Assert.Equal(long.MaxValue, plan.NextDue(0));
        Assert.Empty(BeginAll(plan, 0, 5_000));
    }

    [Fact]
    public void LateDial_IsReplacedByOne_ItsWaitersGoOnWaiting()
    {
        var plan = new DialPlan(8, Second);
        List<DialPlan.Dial> stuck = BeginAll(plan, 20, 0);
        Assert.Equal(3, stuck.Count);
        Assert.Equal(Late, plan.NextDue(20));
        Assert.Empty(BeginAll(plan, 20, Late - 1));
        Assert.Empty(BeginAll(plan, 20, Late));
        Assert.Equal(Late + 100, plan.NextDue(20));
        DialPlan.Dial probe = Assert.Single(BeginAll(plan, 20, Late + 100));
        plan.OnSucceeded(probe, Late + 101);

        // It serves 8. The server works, but those that are late may come through too: again one at a time, but at once, for those who wait
        // for them.
        probe = Assert.Single(BeginAll(plan, 12, Late + 102));
        plan.OnSucceeded(probe, Late + 102);
        Assert.Equal(3, BeginAll(plan, 41, Late + 103).Count);

        // And what the late ones say is old news, that concerns those alone who waited all the time.
        plan.OnFailed(stuck[0], 10 * Second, Middle);
        Assert.False(plan.WaitsFor(stuck[0], 5, since: 1));
        Assert.True(plan.WaitsFor(stuck[0], 5, since: 0));
        Assert.Single(BeginAll(plan, 41, Late + 104));
    }

    [Fact]
    public void WhileSomeComeThrough_NoneIsLate()
    {
        var plan = new DialPlan(8, Second);
        List<DialPlan.Dial> dials = BeginAll(plan, 200, 0);
        for (int i = 0; i < 25; i++)
        {
            long now = (i + 1) * 4 * Second;
            Assert.Empty(BeginAll(plan, 200 - (8 * i), now));
            plan.OnSucceeded(dials[i], now);
        }
    }

    [Fact]
    public void FailedDial_IsTheEndForThoseWhoWaitForIt()
    {
        var plan = new DialPlan(2, Second);
        List<DialPlan.Dial> dials = BeginAll(plan, 4, 0);
        plan.OnFailed(dials[0], 10, Middle);
        Assert.True(plan.WaitsFor(dials[0], 4, 0));
        Assert.True(plan.WaitsFor(dials[0], 3, 0));
        Assert.False(plan.WaitsFor(dials[0], 2, 0));
    }

    /// <summary>Whatever happens: no more dials than waiters need, and whoever waits for none of them waits for a time.</summary>
    [Fact]
    public void Invariants()
        => Gen.Select(Gen.Int[1, 9], Gen.Select(Gen.Int[0, 9], Gen.Int[0, 5_000], Gen.Int[0, 100]).Array[1, 200]).Sample(
        (capacity, steps) =>
        {
            var plan = new DialPlan(capacity, Second);
            var underWay = new List<DialPlan.Dial>();
            long now = 0;
            int waiters = 0;
            foreach ((int what, int time, int pick) in steps)
            {
                now += what == 0 ? time : time % 7;
                if (what <= 4)
                {
                    waiters += what;
                }
                else if (what <= 6 && underWay.Count > 0)
                {
                    DialPlan.Dial dial = underWay[pick % underWay.Count];
                    underWay.Remove(dial);
                    plan.OnSucceeded(dial, now);
                    waiters = Math.Max(0, waiters - capacity);
                }
                else if (what <= 8 && underWay.Count > 0)
                {
                    DialPlan.Dial dial = underWay[pick % underWay.Count];
                    underWay.Remove(dial);
                    plan.OnFailed(dial, now, pick / 100.0);
                    while (waiters > 0 && plan.WaitsFor(dial, waiters, dial.Number))
                    {
                        waiters--;
                    }
                }
                else
                {
                    waiters = Math.Max(0, waiters - 1);
                }

                int before = underWay.Count(static dial => !dial.IsLate);
                List<DialPlan.Dial> begun = BeginAll(plan, waiters, now);
                underWay.AddRange(begun);
                int current = underWay.Count(static dial => !dial.IsLate);
                Assert.True(begun.Count == 0 || (current - 1) * capacity < waiters, "More dials than are missing.");
                Assert.Equal(current * capacity, plan.Expected);
                Assert.Equal(underWay.Count == 0, plan.IsIdle);
                if (waiters > plan.Expected)
                {
                    Assert.InRange(plan.NextDue(waiters), now, now + (6 * Second));
                }
            }
        });

    private static List<DialPlan.Dial> BeginAll(DialPlan plan, int waiters, long now)
    {
        var begun = new List<DialPlan.Dial>();
        while (plan.TryBegin(waiters, now, Middle) is { } dial)
        {
            begun.Add(dial);
        }

        return begun;
    }
}
