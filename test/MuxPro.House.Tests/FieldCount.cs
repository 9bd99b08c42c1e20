using System.Reflection;
using System.Runtime.CompilerServices;

namespace MuxPro.House.Tests;

/// <summary>How many fields each instance of a type has of its own, with those behind its properties.</summary>
internal sealed record FieldCount(string Type, int Fields)
{
    private const int Limit = 25;

    public bool IsTooHigh => Fields > Limit;

    public static FieldCount Of(Type type)
    {
        // What a compiler makes, such as the state of an asynchronous method, is nobody's design.
        bool isGenerated = type.IsDefined(typeof(CompilerGeneratedAttribute), inherit: false);
        FieldInfo[] fields = isGenerated
            ? []
            : type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly);
        return new FieldCount(type.FullName!, fields.Length);
    }

    public override string ToString() => $"{Type} has {Fields} fields; {Limit} is the most.";
}
