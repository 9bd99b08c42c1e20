namespace MuxPro.Proxy.Configuration.Model;

/// <summary>Another name that a field, or a value of an enumeration, is read by; V2Ray's mostly.</summary>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Field, AllowMultiple = true)]
internal sealed class AliasAttribute(string name) : Attribute
{
    public string Name { get; } = name;
}

/// <summary>The lowest and the highest number that a field takes.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class RangeAttribute(long least, long most) : Attribute
{
    public long Least { get; } = least;

    public long Most { get; } = most;
}

/// <summary>One of the forms of a settings object, and the value of its discriminator that names it.</summary>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true)]
internal sealed class FormAttribute(string name, Type type) : Attribute
{
    /// <summary>The value that names the form.</summary>
    public string Name { get; } = name;

    /// <summary>The record that is read for it.</summary>
    public Type Type { get; } = type;

    /// <summary>V2Ray's name for it, or <see langword="null"/> where that is the same.</summary>
    public string? Alias { get; init; }
}

/// <summary>
/// The field beside this one says which <see cref="FormAttribute"/> is read here. The object may be left out where all its fields may.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class FormByAttribute(string field) : Attribute
{
    public string Field { get; } = field;
}

/// <summary>A field of V2Ray's, or a name of a form, that has no meaning here, and what to write instead.</summary>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = true)]
internal sealed class NotServedAttribute(string name, string instead) : Attribute
{
    public string Name { get; } = name;

    public string Instead { get; } = instead;
}
