using System.Reflection;

namespace MuxPro.House.Tests;

/// <summary>A type that needs more fields than this has more than one job.</summary>
public sealed class FieldTests
{
    private static readonly string[] ManyFields =
    [
        // Settings, a property each: nobody has to hold them in the head together.
        "MuxPro.MuxOptions",
    ];

    [Fact]
    public void NoType_HasMoreFieldsThanOneHeadHolds()
        => Exemptions.Check(
            new[] { typeof(MuxClient).Assembly, typeof(AspNetCore.MuxEndPoint).Assembly, Assembly.Load("MuxPro.Proxy") }
                .SelectMany(assembly => assembly.GetTypes())
                .Select(FieldCount.Of)
                .Where(count => count.IsTooHigh),
            count => count.Type,
            ManyFields);

    [Fact]
    public void FieldBeyondTheLimit_IsFound()
    {
        FieldCount count = FieldCount.Of(typeof(TwentySix));
        Assert.True(count.IsTooHigh);
        Assert.Equal($"{typeof(TwentySix).FullName} has 26 fields; 25 is the most.", count.ToString());
    }

    [Fact]
    public void StaticsAndInheritedFields_DoNotCount()
    {
        FieldCount count = FieldCount.Of(typeof(Heir));
        Assert.False(count.IsTooHigh);
        Assert.Equal(1, count.Fields);
    }

    private sealed record TwentySix(
        int A, int B, int C, int D, int E, int F, int G, int H, int I, int J, int K, int L, int M,
        int N, int O, int P, int Q, int R, int S, int T, int U, int V, int W, int X, int Y, int Z);

    private record Ancestor(int A, int B);

    private sealed record Heir(int Own) : Ancestor(1, 2)
    {
        public const int Constant = 1;

        public static int Shared { get; set; }
    }
}
