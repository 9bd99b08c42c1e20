using MuxPro.Core;

namespace MuxPro.Tests.Core;

/// <summary>Lower priorities are held to a rate while a higher one talks, and only then.</summary>
public sealed class PriorityPaceTests
{
    private const long Second = 1_000_000_000;
    private const long Millisecond = Second / 1000;

    private PriorityPace _pace = new(Second);

    [Theory]
    [InlineData(0)]
    [InlineData(128)]
    [InlineData(255)]
    public void OnePriority_IsNeverHeld(byte priority)
    {
        for (long now = 0; now < Second; now += Millisecond)
        {
            Assert.Equal(255, _pace.LowestAllowed(now));
            _pace.OnSent(priority, 100_000_000, now);
        }
    }

    [Fact]
    public void Lower_AfterABurst_WaitForTheRate()
    {
        _pace.OnSent(64, 10, 0);
        Assert.Equal(255, _pace.LowestAllowed(0));
        _pace.OnSent(65, PriorityPace.Burst - 1, 0);
        Assert.Equal(255, _pace.LowestAllowed(0));
        _pace.OnSent(255, 11, 0);
        Assert.Equal(64, _pace.LowestAllowed(0));

        // The higher one is never held, whatever it sends.
        _pace.OnSent(64, 100_000_000, 1);
        Assert.Equal(64, _pace.LowestAllowed(1));
        Assert.Equal(255, _pace.LowestAllowed(10));
    }

    [Fact]
    public void Lower_WhileAHigherOneTalks_GetTheirRate()
    {
        long sent = 0;
        for (long now = 0; now < Second; now += Millisecond)
        {
            _pace.OnSent(0, 64, now);
            while (_pace.LowestAllowed(now) == 255)
            {
                _pace.OnSent(200, 65_536, now);
                sent += 65_536;
            }
        }

        Assert.InRange(sent, PriorityPace.BytesPerSecond * 95 / 100, (PriorityPace.BytesPerSecond * 105 / 100) + PriorityPace.Burst);
    }

    [Fact]
    public void Lower_SoonAfterTheHigherOneFellSilent_AreFree()
    {
        _pace.OnSent(0, 64, 0);
        _pace.OnSent(200, 1_000_000_000, 0);
        Assert.Equal(0, _pace.LowestAllowed(99 * Millisecond));
        Assert.Equal(255, _pace.LowestAllowed(100 * Millisecond));
        _pace.OnSent(200, 1_000_000_000, 100 * Millisecond);
        Assert.Equal(255, _pace.LowestAllowed(100 * Millisecond));
    }

    [Fact]
    public void AHigherOne_TakesOver()
    {
        _pace.OnSent(100, 64, 0);
        _pace.OnSent(50, 64, 0);
        _pace.OnSent(100, 2 * PriorityPace.Burst, 0);
        Assert.Equal(50, _pace.LowestAllowed(0));
    }
}
