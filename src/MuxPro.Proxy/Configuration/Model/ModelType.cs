using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Text.Json;

namespace MuxPro.Proxy.Configuration.Model;

/// <summary>What a field of the model can hold.</summary>
internal abstract class ModelType
{
    /// <summary>The type of such values.</summary>
    public abstract Type Type { get; }

    /// <summary>Makes an empty list of such values.</summary>
    public abstract IList NewList();
}

/// <summary>What JSON has a word for, and addresses.</summary>
internal sealed class ModelPlain<T> : ModelType
{
    public override Type Type => typeof(T);

    public override IList NewList() => new List<T>();
}

/// <summary>Several of one type.</summary>
internal sealed class ModelList(Type type, ModelType item) : ModelType
{
    public override Type Type => type;

    public ModelType Item => item;

    public override IList NewList() => throw new NotSupportedException("No field of the model is a list of lists.");
}

/// <summary>One of some words.</summary>
internal abstract class ModelEnum : ModelType
{
    /// <summary>The words, with what else each is read by.</summary>
    public abstract IReadOnlyList<(string Name, IReadOnlyList<string> Aliases, object Value)> Words { get; }
}

/// <inheritdoc/>
internal sealed class ModelEnum<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicFields)] T> : ModelEnum
    where T : struct, Enum
{
    private readonly Lazy<IReadOnlyList<(string, IReadOnlyList<string>, object)>> _words = new(static () =>
        [.. typeof(T).GetFields(BindingFlags.Public | BindingFlags.Static).Select(WordOf)]);

    public override Type Type => typeof(T);

    public override IReadOnlyList<(string Name, IReadOnlyList<string> Aliases, object Value)> Words => _words.Value;

    public override IList NewList() => new List<T>();

    private static (string Name, IReadOnlyList<string> Aliases, object Value) WordOf(FieldInfo field)
    {
        string[] aliases = [.. field.GetCustomAttributes<AliasAttribute>().Select(static alias => alias.Name)];
        object value = field.GetValue(null)!;

        // A name with a dot cannot be that of a C# value.
        return aliases is [var dotted, ..] && dotted.Contains('.', StringComparison.Ordinal)
            ? (dotted, aliases[1..], value)
            : (PreferredName(field.Name), aliases, value);
    }

    // V2Ray writes AsIs, UseIP, IPIfNonMatch, and roundRobin.
    private static string PreferredName(string name)
        => name is "AsIs" || name.Contains("IP", StringComparison.Ordinal) ? name : JsonNamingPolicy.CamelCase.ConvertName(name);
}

/// <summary>What is written as one text, or as a number.</summary>
internal abstract class ModelValue : ModelType
{
    /// <summary>What the text may be, for the schema: a regular expression.</summary>
    public abstract string Pattern { get; }

    /// <summary>Whether it may be written as a number too.</summary>
    public abstract bool IsNumeric { get; }

    /// <exception cref="FormatException">The text is none; the message says what would be right, without the text.</exception>
    public abstract object Parse(string text);
}

/// <inheritdoc/>
internal sealed class ModelValue<T> : ModelValue
    where T : IConfigurationValue<T>
{
    public override Type Type => typeof(T);

    public override string Pattern => T.Pattern;

    public override bool IsNumeric => typeof(T) == typeof(PortRange) || typeof(T) == typeof(PortRanges);

    public override object Parse(string text) => T.Parse(text);

    public override IList NewList() => new List<T>();
}

/// <summary>An object with fields.</summary>
internal abstract class ModelRecord : ModelType
{
    /// <summary>Its fields, those of its base first.</summary>
    public abstract IReadOnlyList<ModelField> Fields { get; }

    /// <summary>Makes one in which each field has its default.</summary>
    public abstract object New();
}

/// <inheritdoc/>
internal sealed class ModelRecord<
    [DynamicallyAccessedMembers(
        DynamicallyAccessedMemberTypes.PublicParameterlessConstructor | DynamicallyAccessedMemberTypes.PublicProperties)] T> : ModelRecord
    where T : class
{
    private readonly Lazy<IReadOnlyList<ModelField>> _fields = new(static () => ModelField.Of(typeof(T)));

    public override Type Type => typeof(T);

    public override IReadOnlyList<ModelField> Fields => _fields.Value;

    public override object New() => Activator.CreateInstance<T>();

    public override IList NewList() => new List<T>();
}
