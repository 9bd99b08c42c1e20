using CsCheck;
using MuxPro.Core;

namespace MuxPro.Tests.Core;

/// <summary>What we may send, and how much windows may grow together.</summary>
public sealed class CreditTests
{
    [Fact]
    public void SendCredit_StartsWith65536() => Assert.Equal(65536, new SendCredit().Available);

    [Theory]
    [InlineData(1u, 65537)]
    [InlineData(int.MaxValue - 65536u, int.MaxValue)]
    [InlineData(int.MaxValue - 65535u, int.MaxValue)]
    [InlineData((uint)int.MaxValue, int.MaxValue)]
    [InlineData(0x80000000, int.MaxValue)]
    [InlineData(0xffff0000, int.MaxValue)]
    [InlineData(uint.MaxValue, int.MaxValue)]
    public void SendCredit_Grant_SaturatesAndNeverWraps(uint increment, int available)
    {
        var credit = new SendCredit();
        credit.Grant(increment);
        Assert.Equal(available, credit.Available);
        credit.Grant(uint.MaxValue);
        Assert.Equal(int.MaxValue, credit.Available);
    }

    [Fact]
    public void SendCredit_TakesNoMoreThanWasGranted()
        => Gen.Select(Gen.Bool, Gen.OneOf(Gen.UInt[0, 200_000], Gen.UInt)).Array[0, 100].Sample(operations =>
    {
        var credit = new SendCredit();
        long model = 65536;
        foreach ((bool grants, uint amount) in operations)
        {
            if (grants)
            {
                credit.Grant(amount);
                model = Math.Min(int.MaxValue, model + amount);
            }
            else
            {
                int wanted = (int)(amount & int.MaxValue);
                int taken = credit.Take(wanted);
                Assert.Equal(Math.Min(wanted, model), taken);
                model -= taken;
            }

            Assert.Equal(model, credit.Available);
        }
    });

    [Theory]
    [InlineData(100, 60, 60, 40)]
    [InlineData(100, 100, 100, 0)]
    [InlineData(100, 101, 100, 0)]
    [InlineData(100, 0, 0, 100)]
    [InlineData(100, -5, 0, 100)]
    [InlineData(0, 5, 0, 0)]
    [InlineData(1L << 40, int.MaxValue, int.MaxValue, (1L << 40) - int.MaxValue)]
    public void WindowBudget_Take_GivesWhatIsLeft(long size, int wanted, int taken, long left)
    {
        var budget = new WindowBudget(size);
        Assert.Equal(taken, budget.Take(wanted));
        Assert.Equal(left, budget.Left);
        budget.Return(taken);
        Assert.Equal(size, budget.Left);
    }

    [Fact]
    public void WindowBudget_FromManyThreads_IsNeverExceeded()
    {
        const long Size = 10_000;
        var budget = new WindowBudget(Size);
        long held = 0;
        Parallel.For(0, 8, worker =>
        {
            var random = new Random(worker);
            for (int i = 0; i < 5_000; i++)
            {
                int taken = budget.Take(random.Next(4000));
                Assert.InRange(Interlocked.Add(ref held, taken), 0, Size);
                Interlocked.Add(ref held, -taken);
                budget.Return(taken);
            }
        });
        Assert.Equal(Size, budget.Left);
    }
}
