using CsCheck;
using MuxPro.Core;

namespace MuxPro.Tests.Core;

/// <summary>What the other end may send: grants follow consumption, windows grow inside a budget.</summary>
public sealed class ReceiveCreditTests
{
    private const int Initial = 65536;
    private const int MaxWindow = 1 << 20;

    private readonly WindowBudget _budget = new(4 << 20);

    private enum Operation
    {
        Receive,
        Consume,
        ConsumeAll,
        WaitForMore,
        GrantLast,
    }

    [Fact]
    public void Consume_LessThanHalfAWindow_GrantsNothing()
    {
        var credit = new ReceiveCredit(MaxWindow, _budget);
        Assert.True(credit.TryReceive(40_000));
        credit.Consume(32_767);
        Assert.False(credit.IsGrantDue(needsMore: false));
        Assert.Equal(0, credit.TakeGrant(now: 1, roundTrip: 0));
        credit.Consume(1);
        Assert.True(credit.IsGrantDue(needsMore: false));
        Assert.Equal(32_768, credit.TakeGrant(now: 1, roundTrip: 0));
        Assert.Equal((Initial, Initial - 40_000 + 32_768, 7_232), (credit.Window, credit.Available, credit.Buffered));
    }

    [Fact]
    public void Receive_MoreThanWasGranted_IsRefusedAndChangesNothing()
    {
        var credit = new ReceiveCredit(MaxWindow, _budget);
        Assert.True(credit.TryReceive(Initial - 1));
        Assert.False(credit.TryReceive(2));
        Assert.Equal((1, Initial - 1), (credit.Available, credit.Buffered));
        Assert.True(credit.TryReceive(1));
        Assert.False(credit.TryReceive(1));
        Assert.True(credit.TryReceive(0));
    }

    [Theory]
    [InlineData(65_536, 65_536, true, "all credit used, all of it read")]
    [InlineData(49_153, 49_153, true, "less than a quarter left, all of it read")]
    [InlineData(49_152, 49_152, false, "a quarter left: the other end is not held up")]
    [InlineData(65_536, 65_535, false, "a byte unread: the reader does not keep up")]
    public void Grant_Grows_WhenTheReaderIsThroughAndTheWindowIsTheLimit(int received, int consumed, bool grows, string why)
    {
        var credit = new ReceiveCredit(MaxWindow, _budget);
        Assert.True(credit.TryReceive(received));
        credit.Consume(consumed);
        int grant = credit.TakeGrant(now: 1_000_000, roundTrip: 0);
        Assert.True(credit.Window == (grows ? 2 * Initial : Initial), why);
        Assert.Equal(consumed + credit.Window - Initial, grant);
    }

    [Theory]
    [InlineData(100, 100, true)]
    [InlineData(100, 99, false)]
    [InlineData(1, 0, false)]
    public void Grant_Grows_WhenHalfAWindowTakesNoMoreThanARoundTrip(long between, long roundTrip, bool grows)
    {
        var credit = new ReceiveCredit(MaxWindow, _budget);
        Assert.True(credit.TryReceive(32_768));
        credit.Consume(32_768);
        Assert.Equal(32_768, credit.TakeGrant(now: 1000, roundTrip: 0));
        Assert.True(credit.TryReceive(32_768));
        credit.Consume(32_768);
        credit.TakeGrant(now: 1000 + between, roundTrip);
        Assert.Equal(grows ? 2 * Initial : Initial, credit.Window);
    }

    [Fact]
    public void Grant_Grows_WhenTheApplicationNeedsMoreThanAWindowAtOnce()
    {
        var credit = new ReceiveCredit(MaxWindow, _budget);
        int buffered = 0;
        while (credit.Window < MaxWindow)
        {
            int available = credit.Available;
            Assert.True(credit.TryReceive(available));
            buffered += available;
            Assert.True(credit.TakeGrant(now: 1, roundTrip: 0, needsMore: true) > 0, $"Stuck with {buffered} bytes unread.");
        }

        Assert.True(credit.TryReceive(credit.Available));
        Assert.Equal(MaxWindow, credit.Buffered);
        Assert.Equal(0, credit.TakeGrant(now: 1, roundTrip: 0, needsMore: true));
    }

    [Fact]
    public void Growth_EndsAtTheLargestWindowAndAtTheBudget()
    {
        var budget = new WindowBudget(100_000);
        var first = new ReceiveCredit(2 * Initial, budget);
        var second = new ReceiveCredit(MaxWindow, budget);
        for (int round = 0; round < 5; round++)
        {
            Drain(ref first);
            Drain(ref second);
        }

        Assert.Equal((2 * Initial, Initial + 100_000 - Initial, 0), (first.Window, second.Window, budget.Left));
        first.Close();
        Assert.Equal(Initial, budget.Left);
        Drain(ref second);
        Assert.Equal((Initial + 100_000, 0), (second.Window, budget.Left));
        second.Close();
        second.Close();
        Assert.Equal(100_000, budget.Left);
    }

    [Fact]
    public void Share_IsTheSameForAll_WhoeverCameFirst()
    {
        const int Count = 20;
        var budget = new WindowBudget(Count * 10_000);
        ReceiveCredit[] credits = [.. Enumerable.Range(0, Count).Select(_ => new ReceiveCredit(MaxWindow, budget))];
        for (int round = 0; round < 40; round++)
        {
            for (int i = 0; i < Count; i++)
            {
                int available = credits[i].Available;
                Assert.True(credits[i].TryReceive(available));
                credits[i].Consume(available);
                credits[i].ReturnExcess();
                credits[i].TakeGrant(now: 0, roundTrip: 0);
                Assert.InRange(budget.Left, 0, budget.Size);
            }

            Assert.True(round > 0 || credits[0].Window > Initial + 10_000, "The first had the budget to itself.");
        }

        Assert.All(credits, static credit => Assert.InRange(credit.Window, Initial + 9_900, Initial + 10_100));
        for (int i = 0; i < Count; i++)
        {
            credits[i].Close();
        }

        Assert.Equal((budget.Size, budget.Size), (budget.Left, budget.Share));
    }

    [Fact]
    public void ReturnExcess_LeavesTheOtherEndHalfOfWhatWasConsumed()
    {
        var budget = new WindowBudget(400_000);
        var credit = new ReceiveCredit(MaxWindow, budget);
        Drain(ref credit);
        Drain(ref credit);
        int window = credit.Window;
        for (int i = 0; i < 99; i++)
        {
            budget.Enter();
        }

        Assert.True(credit.TryReceive(200_000));
        credit.Consume(200_000);
        credit.ReturnExcess();
        Assert.Equal(window - 100_000, credit.Window);
        Assert.Equal(100_000, credit.TakeGrant(now: 0, roundTrip: 0));
    }

    [Fact]
    public void ReturnUnused_OfAnIdleOne_GivesBackWhatWasNotGranted()
    {
        var credit = new ReceiveCredit(MaxWindow, _budget);
        Drain(ref credit);
        int window = credit.Window;
        Assert.True(credit.TryReceive(30_000));
        credit.Consume(30_000);
        long left = _budget.Left;
        credit.ReturnUnused(since: 0); // the last grant was at 0, not before
        Assert.Equal(window, credit.Window);
        credit.ReturnUnused(since: 1);
        Assert.Equal((window - 30_000, left + 30_000), (credit.Window, _budget.Left));
        credit.ReturnUnused(since: 1);
        Assert.Equal(window - 30_000, credit.Window);
        credit.Close();
        Assert.Equal(_budget.Size, _budget.Left);
    }

    [Theory]
    [InlineData(MaxWindow, 4 << 20, MaxWindow - Initial)]
    [InlineData(MaxWindow, 1000, MaxWindow - Initial)]
    [InlineData(MaxWindow, 0, MaxWindow - Initial)]
    [InlineData(16 * MaxWindow, 0, MaxWindow - Initial)]
    [InlineData(16 * MaxWindow, 8 * MaxWindow, 2 * MaxWindow)]
    [InlineData(16 * MaxWindow, 64L * MaxWindow, (16 * MaxWindow) - Initial)]
    [InlineData(Initial, 4 << 20, 0)]
    public void LastGrant_IsAQuarterOfWhatIsLeft_AndAMebibyteWhateverIsLeft(int maxWindow, long size, int growth)
    {
        var budget = new WindowBudget(size);
        var credit = new ReceiveCredit(maxWindow, budget);
        Assert.True(credit.TryReceive(500));
        credit.Consume(200);
        Assert.Equal(200 + growth, credit.TakeLastGrant());
        Assert.Equal((Initial + growth, Initial + growth - 300, 300), (credit.Window, credit.Available, credit.Buffered));
        credit.Close();
        Assert.Equal(size, budget.Left);
    }

    [Fact]
    public void LastGrants_OfManyAtOnce_StarveNobody()
    {
        var budget = new WindowBudget(64 << 20);
        int[] grants = new int[40];
        var credits = new ReceiveCredit[grants.Length];
        for (int i = 0; i < grants.Length; i++)
        {
            credits[i] = new ReceiveCredit(16 << 20, budget);
            grants[i] = credits[i].TakeLastGrant();
        }

        Assert.Equal((16 << 20) - Initial, grants[0]);
        Assert.All(grants, static grant => Assert.InRange(grant, (1 << 20) - Initial, 16 << 20));
        Assert.True(budget.Left > 0);
        for (int i = 0; i < credits.Length; i++)
        {
            credits[i].Close();
        }

        Assert.Equal(budget.Size, budget.Left);
    }

    [Fact]
    public void Trickle_GrantsAByteWhereNothingIsLeft_AndNothingElse()
    {
        var credit = new ReceiveCredit(Initial, _budget);
        Assert.False(credit.Trickle());
        Assert.True(credit.TryReceive(Initial));
        for (int i = 1; i <= 3; i++)
        {
            Assert.True(credit.Trickle());
            Assert.False(credit.Trickle());
            Assert.Equal((1, 1, Initial + i), (credit.TakePending(), credit.Available, credit.Window));
            Assert.True(credit.TryReceive(1));
        }

        // What was consumed, and is not worth a grant, comes first.
        credit.Consume(10);
        Assert.True(credit.Trickle());
        Assert.Equal(Initial + 3, credit.Window);
        Assert.Equal(0, credit.TakeLastGrant() - 10);
        Assert.True(credit.TryReceive(credit.Available));
        Assert.False(credit.Trickle());
    }

    [Fact]
    public void AnyOperations_KeepTheRules() => Gen.Select(
            Gen.Int[0, 300_000],
            Gen.Int[Initial, 400_000],
            Gen.Select(Gen.Int[0, 2], Gen.Enum<Operation>(), Gen.Int[0, 65535], Gen.Int[0, 50], Gen.Int[0, 60]).Array[1, 150])
        .Sample(
            (size, maxWindow, operations) =>
            {
                var budget = new WindowBudget(size);
                Model[] models = [new(maxWindow, budget), new(maxWindow, budget), new(Initial, budget)];
                long now = 0;
                foreach ((int which, Operation operation, int amount, int passed, int roundTrip) in operations)
                {
                    now += passed;
                    models[which].Do(operation, amount, now, roundTrip);
                    Assert.Equal(size, budget.Left + models.Sum(model => model.Growth - model.Beyond));
                    Assert.True(budget.Left >= 0);
                }

                foreach (Model model in models)
                {
                    model.Close();
                }

                Assert.Equal(size, budget.Left);
            },
            iter: 3000);

    private static void Drain(ref ReceiveCredit credit)
    {
        int available = credit.Available;
        Assert.True(credit.TryReceive(available));
        credit.Consume(available);
        credit.TakeGrant(now: 0, roundTrip: 0);
    }

    /// <summary>The bytes of one sub-connection, counted from its start, and what they have to be.</summary>
    private sealed class Model(int maxWindow, WindowBudget budget)
    {
        private ReceiveCredit _credit = new(maxWindow, budget);
        private long _granted = Initial;
        private long _received;
        private long _consumed;
        private long _lastGrant;
        private bool _drained;
        private bool _exhausted;
        private bool _isLast; // nothing is granted any more

        public int Growth => _credit.Window - Initial;

        /// <summary>What of it is no budget's.</summary>
        public int Beyond { get; private set; }

        public void Close() => _credit.Close();

        public void Do(Operation operation, int amount, long now, long roundTrip)
        {
            switch (operation)
            {
                case Operation.Receive:
                    bool fits = _received + amount <= _granted;
                    Assert.Equal(fits, _credit.TryReceive(amount));
                    _received += fits ? amount : 0;
                    _exhausted |= fits && 4 * (_granted - _received) < _credit.Window - 3;
                    break;
                case Operation.Consume or Operation.ConsumeAll:
                    long unread = _received - _consumed;
                    Consume((int)(operation == Operation.Consume ? Math.Min(unread, amount) : unread));
                    Grant(now, roundTrip, needsMore: false);
                    break;
                case Operation.WaitForMore:
                    Grant(now, roundTrip, needsMore: true);
                    break;
                default:
                    int window = _credit.Window;
                    long left = budget.Left;
                    long due = Due;
                    int grant = _credit.TakeLastGrant();
                    int growth = _credit.Window - window;
                    Assert.Equal(_isLast ? 0 : maxWindow - window, growth); // no largest window here is more than the least last one
                    Beyond += growth - (int)Math.Min(left / 4, growth);
                    Assert.Equal(_isLast ? 0 : due + _credit.Window - window, grant);
                    _granted += grant;
                    _isLast = true;
                    break;
            }

            // Received and unread is never more than was granted, and all that is granted fits into the window.
            Assert.Equal(_received - _consumed, _credit.Buffered);
            Assert.Equal(_granted - _received, _credit.Available);
            Assert.InRange(_credit.Buffered, 0, _credit.Window);
            Assert.InRange(_granted - _consumed, 0, _credit.Window);
            Assert.InRange(_credit.Window, Initial, maxWindow);
        }

        /// <summary>Consumed, and not granted again.</summary>
        private long Due => _credit.Window - (_granted - _consumed);

        private void Consume(int count)
        {
            _credit.Consume(count);
            _consumed += count;
            _drained |= _received == _consumed;
        }

        private void Grant(long now, long roundTrip, bool needsMore)
        {
            int window = _credit.Window;
            long due = Due;
            bool half = !_isLast && due >= window / 2;
            bool stuck = !_isLast && needsMore && _granted - _received < window / 2;
            Assert.Equal(half || stuck, _credit.IsGrantDue(needsMore));
            int grant = _credit.TakeGrant(now, roundTrip, needsMore);
            int growth = _credit.Window - window;
            _granted += grant;
            if (!half && !stuck)
            {
                Assert.Equal((0, 0), (grant, growth));
                return;
            }

            Assert.Equal(due + growth, grant);
            Assert.True(Due == 0, "Half a window was due, and something still is.");
            bool limits = _drained && (_exhausted || (roundTrip > 0 && now - _lastGrant <= roundTrip));
            Assert.True(growth == 0 || limits || stuck, "The window grew although it was not what limits.");
            Assert.InRange(growth, 0, window);
            _lastGrant = now;
            _drained = _exhausted = false;
        }
    }
}
