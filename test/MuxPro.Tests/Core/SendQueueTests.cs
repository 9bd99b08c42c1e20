using CsCheck;
using MuxPro.Core;

namespace MuxPro.Tests.Core;

/// <summary>Who sends next: priority, round robin among equals, and a share for the lower ones.</summary>
public sealed class SendQueueTests
{
    private readonly SendQueue<Item> _queue = new();

    [Fact]
    public void Dequeue_FromNothing_IsNothing()
    {
        Assert.Null(_queue.Dequeue());
        _queue.Enqueue(new Item("a", 0));
        Assert.Equal(1, _queue.Count);
        Assert.Equal("a", _queue.Dequeue()?.Name);
        Assert.Null(_queue.Dequeue());
        Assert.Equal(0, _queue.Count);
    }

    [Fact]
    public void Dequeue_TakesTheHighestPriorityFirst()
    {
        foreach (byte priority in (byte[])[255, 64, 0, 63, 128, 127, 1])
        {
            _queue.Enqueue(new Item($"{priority}", priority));
        }

        Assert.Equal(["0", "1", "63", "64", "127", "128", "255"], Enumerable.Range(0, 7).Select(_ => _queue.Dequeue()!.Name));
    }

    [Fact]
    public void Equals_TakeTurns()
    {
        foreach (string name in (string[])["a", "b", "c"])
        {
            _queue.Enqueue(new Item(name, 128));
        }

        Assert.Equal("abcabcabcabcabcabcabcabc", string.Concat(TakeTurns(24).Select(item => item.Name)));
    }

    [Fact]
    public void Lower_GetOneTurnInSixteen()
    {
        _queue.Enqueue(new Item("high", 0));
        _queue.Enqueue(new Item("low", 200));
        Item[] turns = [.. TakeTurns(1600)];
        Assert.Equal(100, turns.Count(item => item.Name == "low"));
        foreach (Item[] sixteen in turns.Chunk(16))
        {
            Assert.Equal(1, sixteen.Count(item => item.Name == "low"));
        }
    }

    [Fact]
    public void Lower_ShareTheirTurns_SoThatNobodyStarves()
    {
        string[] names = ["h1", "h2", "m1", "m2", "m3", "l1", "z1", "z2"];
        byte[] priorities = [7, 7, 100, 100, 100, 101, 255, 255];
        for (int i = 0; i < names.Length; i++)
        {
            _queue.Enqueue(new Item(names[i], priorities[i]));
        }

        var turns = TakeTurns(16 * 300).GroupBy(item => item.Name).ToDictionary(group => group.Key, group => group.Count());
        Assert.Equal(names.Order(StringComparer.Ordinal), turns.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(turns["h1"], turns["h2"]);
        Assert.Equal(100, turns["m1"] + turns["m2"] + turns["m3"]);
        Assert.Equal(100, turns["l1"]);
        Assert.Equal(100, turns["z1"] + turns["z2"]);
        Assert.Equal(turns["z1"], turns["z2"]);
    }

    [Fact]
    public void Little_GoesAheadOfMuch_EightInARow()
    {
        _queue.Enqueue(new Item("M", 128));
        _queue.Enqueue(new Item("N", 128));
        for (int i = 0; i < 20; i++)
        {
            _queue.Enqueue(new Item("l", 128), isLittle: true);
        }

        Assert.Equal("llllllllMllllllllNllll", string.Concat(Enumerable.Range(0, 22).Select(_ => _queue.Dequeue()!.Name)));
        Assert.Null(_queue.Dequeue());
    }

    [Fact]
    public void Little_NeverGoesAheadOfAHigherPriority()
    {
        _queue.Enqueue(new Item("low", 129), isLittle: true);
        _queue.Enqueue(new Item("high", 128));
        Assert.Equal("high", _queue.Dequeue()!.Name);
        Assert.Equal("low", _queue.Dequeue()!.Name);
    }

    [Fact]
    public void Dequeue_DownToAPriority_LeavesTheLowerOnesInLine()
    {
        _queue.Enqueue(new Item("low", 200));
        Assert.Null(_queue.Dequeue(lowest: 199));
        _queue.Enqueue(new Item("high", 0));
        for (int turn = 0; turn < 100; turn++)
        {
            Item item = _queue.Dequeue(lowest: 199)!;
            Assert.Equal("high", item.Name);
            _queue.Enqueue(item);
        }

        Assert.Equal(2, _queue.Count);
        Assert.Equal("low", _queue.Dequeue() is { Name: "high" } ? _queue.Dequeue()!.Name : "low");
    }

    [Fact]
    public void All256Priorities_EachGetATurn()
    {
        for (int priority = 0; priority < 256; priority++)
        {
            _queue.Enqueue(new Item($"{priority}", (byte)priority));
        }

        Assert.Equal(256, TakeTurns(16 * 255).Select(item => item.Priority).Distinct().Count());
    }

    [Fact]
    public void AnyOperations_AreFairToTheModel()
        => Gen.Frequency((3, Gen.Const(-1)), (3, Gen.Int[0, 3]), (1, Gen.Int[0, 255])).Array[0, 400]
        .Sample(
            operations =>
            {
                var queue = new SendQueue<Item>();
                var model = new SortedDictionary<byte, Queue<Item>>();
                int turns = 0;
                int passedOver = 0;
                foreach (int operation in operations)
                {
                    if (operation >= 0)
                    {
                        var item = new Item("", (byte)operation);
                        queue.Enqueue(item);
                        model.TryAdd(item.Priority, new Queue<Item>());
                        model[item.Priority].Enqueue(item);
                    }
                    else if (queue.Dequeue() is { } item)
                    {
                        turns++;
                        passedOver += item.Priority == model.Keys.First() ? 0 : 1;

                        // Within a priority strictly in order, whoever's turn it is.
                        Assert.Same(model[item.Priority].Dequeue(), item);
                        Assert.Null(((ISendQueueItem<Item>)item).NextInQueue);
                        if (model[item.Priority].Count == 0)
                        {
                            model.Remove(item.Priority);
                        }
                    }
                    else
                    {
                        Assert.Empty(model);
                    }

                    Assert.Equal(model.Values.Sum(line => line.Count), queue.Count);
                }

                Assert.True(passedOver <= (turns + 15) / 16, $"The highest priority was passed over {passedOver} times in {turns} turns.");
            },
            iter: 3000);

    [Fact]
    public void Lower_TogetherGetTheirShare_WhateverTheyAre() => Gen.Select(Gen.Byte.Array[2, 30], Gen.Int[16, 2000]).Sample(
        (priorities, count) =>
        {
            var queue = new SendQueue<Item>();
            foreach (byte priority in priorities)
            {
                queue.Enqueue(new Item("", priority));
            }

            byte highest = priorities.Min();
            int lower = TakeTurns(queue, count).Count(item => item.Priority != highest);
            Assert.Equal(priorities.Any(priority => priority != highest) ? count / 16 : 0, lower);
        });

    [Fact]
    public void WarmQueue_AllocatesNothing()
    {
        Item[] items = [.. Enumerable.Range(0, 1000).Select(i => new Item("", (byte)(i % 7)))];
        foreach (Item item in items)
        {
            _queue.Enqueue(item);
        }

        Use();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Use();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Use()
        {
            for (int turn = 0; turn < 10_000; turn++)
            {
                _queue.Enqueue(_queue.Dequeue()!);
            }
        }
    }

    private IEnumerable<Item> TakeTurns(int count) => TakeTurns(_queue, count);

    private static IEnumerable<Item> TakeTurns(SendQueue<Item> queue, int count)
    {
        for (int turn = 0; turn < count; turn++)
        {
            Item item = queue.Dequeue()!;
            yield return item;
            queue.Enqueue(item);
        }
    }

    private sealed record Item(string Name, byte Priority) : ISendQueueItem<Item>
    {
        Item? ISendQueueItem<Item>.NextInQueue { get; set; }
    }
}
