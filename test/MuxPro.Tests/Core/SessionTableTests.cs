using CsCheck;
using MuxPro.Core;

namespace MuxPro.Tests.Core;

/// <summary>The ids of a main connection (SPEC 6).</summary>
public sealed class SessionTableTests
{
    private readonly SessionTable<object> _table = new();

    [Fact]
    public void Ids_Count1To65535AndStartOver()
    {
        for (int round = 0; round < 2; round++)
        {
            for (int expected = 1; expected <= 65535; expected++)
            {
                Assert.True(_table.TryAllocate(out ushort id));
                Assert.Equal(expected, id);
                _table.Add(id, this);
                _table.Remove(id);
            }
        }
    }

    [Fact]
    public void Ids_InUse_ArePassed()
    {
        foreach (ushort used in (ushort[])[1, 2, 4, 65535])
        {
            _table.Add(used, this);
        }

        Assert.Equal(3, Allocate());
        Assert.Equal(5, Allocate());
        for (int id = 6; id < 65535; id++)
        {
            Assert.Equal(id, Allocate());
        }

        // All but 0 are in use.
        Assert.Equal(65535, _table.Count);
        Assert.False(_table.TryAllocate(out _));
        _table.Remove(40_000);
        Assert.Equal(40_000, Allocate());
        Assert.False(_table.TryAllocate(out _));
        _table.Remove(65535);
        _table.Remove(1);
        Assert.Equal(65535, Allocate());
        Assert.Equal(1, Allocate());
    }

    [Fact]
    public void AnyOperations_AgreeWithADictionary()
        => Gen.Select(Gen.Int[0, 2], Gen.OneOf(Gen.UShort, Gen.UShort[0, 10])).Array[0, 200].Sample(operations =>
    {
        var table = new SessionTable<string>();
        var model = new Dictionary<ushort, string>();
        int last = 0;
        foreach ((int operation, ushort any) in operations)
        {
            ushort id = any;
            switch (operation)
            {
                case 0:
                    Assert.True(table.TryAllocate(out id));
                    int next = last;
                    do
                    {
                        next = next == 65535 ? 1 : next + 1;
                    }
                    while (model.ContainsKey((ushort)next));
                    Assert.Equal(next, id);
                    last = next;
                    goto case 1;
                case 1:
                    if (model.TryAdd(id, $"{id}"))
                    {
                        table.Add(id, $"{id}");
                    }

                    break;
                default:
                    if (model.Remove(id))
                    {
                        table.Remove(id);
                    }

                    break;
            }

            Assert.Equal(model.Count, table.Count);
            Assert.Equal(model.GetValueOrDefault(id), table[id]);
        }

        string[] holders = [.. table];
        Assert.Equal(model.Values.Order(StringComparer.Ordinal), holders.Order(StringComparer.Ordinal));
    });

    [Theory]
    [InlineData((ushort)0)]
    [InlineData((ushort)1)]
    [InlineData((ushort)63)]
    [InlineData((ushort)64)]
    [InlineData((ushort)65535)]
    public void Answer_OncePerId_UntilSomebodyHoldsItAgain(ushort id)
    {
        Assert.True(_table.TryAnswer(id));
        Assert.False(_table.TryAnswer(id));
        Assert.True(_table.TryAnswer((ushort)(id ^ 2)));
        _table.Add(id, this);
        _table.Remove(id);
        Assert.True(_table.TryAnswer(id));
        Assert.False(_table.TryAnswer(id));
        Assert.False(_table.TryAnswer((ushort)(id ^ 2)));
    }

    private ushort Allocate()
    {
        Assert.True(_table.TryAllocate(out ushort id));
        Assert.Null(_table[id]);
        _table.Add(id, this);
        return id;
    }
}
