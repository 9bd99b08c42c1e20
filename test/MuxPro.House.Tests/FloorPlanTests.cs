namespace MuxPro.House.Tests;

/// <summary>The check of floors itself, on small houses.</summary>
public sealed class FloorPlanTests
{
    private static readonly FloorPlan Plan = new("Cellar", "Kitchen Pantry", "Attic");

    private static readonly SourceFile[] Attic =
    [
        new("Attic/Trunk.cs", "namespace House; public sealed class Trunk { public int Depth; public static Trunk Open() => new(); }"),
        new("Attic/Lids.cs", "namespace House; public static class Lids { public static void Close(this object thing) { } }"),
    ];

    [Fact]
    public void UpwardUse_IsFound()
        => Assert.Equal(
            ["Cellar/Wine.cs uses Trunk of Attic, which is above Cellar."],
            Find("Cellar/Wine.cs", "namespace House; class Wine { Trunk? _trunk; }"));

    [Theory]
    [InlineData("class Wine { void Drink() { var trunk = Trunk.Open(); } }")]
    [InlineData("class Wine { object Drink() => new House.Trunk(); }")]
    [InlineData("class Wine { string Drink() => nameof(Trunk); }")]
    [InlineData("class Wine : System.Collections.Generic.List<Trunk>;")]
    [InlineData("class Wine { bool Drink(object other) => other is Trunk { Depth: 1 }; }")]
    public void Use_IsFoundInEveryPlace(string code)
        => Assert.Contains("Trunk of Attic", Assert.Single(Find("Cellar/Wine.cs", "namespace House; " + code)));

    [Fact]
    public void ExtensionMethod_IsAUseOfTheTypeThatHasIt()
        => Assert.Contains(
            "Lids of Attic", Assert.Single(Find("Cellar/Wine.cs", "namespace House; class Wine { void Drink() => this.Close(); }")));

    [Theory]
    [InlineData("/// <summary>Goes into a <see cref=\"Trunk\"/>.</summary>\nclass Wine { }")]
    [InlineData("class Wine { /* Trunk */ string Drink() => \"Trunk\"; }")]
    [InlineData("class Wine { int Trunk { get; set; } int Drink(int Lids) => Trunk + Lids; }")]
    public void SameWord_IsNoUse(string code) => Assert.Empty(Find("Cellar/Wine.cs", "namespace House; " + code));

    [Fact]
    public void DownwardUse_IsFine()
        => Assert.Empty(
            Plan.FindUpwardUses([new("Cellar/Wine.cs", "class Wine { }"), new("Attic/Trunk.cs", "class Trunk { Wine? _wine; }")]));

    [Fact]
    public void RoomsOfOneFloor_KnowEachOther()
        => Assert.Empty(
            Plan.FindUpwardUses([new("Kitchen/Pot.cs", "class Pot { Jar? _jar; }"), new("Pantry/Jar.cs", "class Jar { Pot? _pot; }")]));

    [Fact]
    public void RoomThatIsNotInThePlan_IsAnError()
    {
        ArgumentException error = Assert.Throws<ArgumentException>(() => Plan.FindUpwardUses([new("Shed/Rake.cs", "class Rake { }")]));
        Assert.StartsWith("Shed/Rake.cs lies on no floor: add Shed to the plan.", error.Message, StringComparison.Ordinal);
    }

    private static string[] Find(string path, string text)
        => [.. Plan.FindUpwardUses([.. Attic, new SourceFile(path, text)]).Select(use => use.ToString())];
}
