using System.ComponentModel;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json;
using MuxPro.Proxy.Configuration.Model;

namespace MuxPro.Proxy.Configuration.Reading;

/// <summary>A field of a record of the model, as the configuration writes it.</summary>
internal sealed class ModelField(PropertyInfo property)
{
    public PropertyInfo Property { get; } = property;

    public string Name { get; } = JsonNamingPolicy.CamelCase.ConvertName(property.Name);

    public string Description { get; } = property.GetCustomAttribute<DescriptionAttribute>()?.Description ?? "";

    public IReadOnlyList<string> Aliases { get; } = [.. property.GetCustomAttributes<AliasAttribute>().Select(static alias => alias.Name)];

    public RangeAttribute? Range { get; } = property.GetCustomAttribute<RangeAttribute>();

    public bool IsRequired { get; } = property.GetCustomAttribute<RequiredMemberAttribute>() is not null;

    /// <summary>The field beside this one that says which form it has.</summary>
    public string? FormBy { get; } = property.GetCustomAttribute<FormByAttribute>()?.Field;

    /// <summary>The forms that it may have.</summary>
    public IReadOnlyList<FormAttribute> Forms { get; } = [.. property.PropertyType.GetCustomAttributes<FormAttribute>(inherit: false)];

    public bool IsNamed(string name)
        => Name.Equals(name, StringComparison.OrdinalIgnoreCase) || Aliases.Contains(name, StringComparer.OrdinalIgnoreCase);

    /// <summary>The fields of a record, those of its base first.</summary>
    public static IReadOnlyList<ModelField> Of(Type type) =>
    [
        .. type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(static property => property.GetCustomAttribute<DescriptionAttribute>() is not null)
            .OrderBy(static property => property.DeclaringType!.BaseType == typeof(object) ? 0 : DepthOf(property.DeclaringType))
            .Select(static property => new ModelField(property)),
    ];

    /// <summary>The names of an enumeration's values, with what else they are read by.</summary>
    public static IReadOnlyList<(string Name, IReadOnlyList<string> Aliases, object Value)> ValuesOf(Type type) =>
    [
        .. type.GetFields(BindingFlags.Public | BindingFlags.Static).Select(static field =>
        {
            string[] aliases = [.. field.GetCustomAttributes<AliasAttribute>().Select(static alias => alias.Name)];
            string own = JsonNamingPolicy.CamelCase.ConvertName(field.Name);

            // A name with a dot cannot be that of a C# value.
            return aliases is [var dotted, ..] && dotted.Contains('.', StringComparison.Ordinal)
                ? (dotted, (IReadOnlyList<string>)aliases[1..], field.GetValue(null)!)
                : (PreferredName(field.Name, own), aliases, field.GetValue(null)!);
        }),
    ];

    /// <summary>What a list's items are, or <see langword="null"/> where it is none.</summary>
    public static Type? ItemOf(Type type)
        => type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>) ? type.GetGenericArguments()[0] : null;

    public static bool IsValue(Type type)
        => type.GetInterfaces().Any(static candidate => candidate.IsGenericType && candidate.GetGenericTypeDefinition() == typeof(IConfigurationValue<>));

    /// <summary>Whether a value may be written as a number too.</summary>
    public static bool IsNumeric(Type type) => type == typeof(PortRange) || type == typeof(PortRanges);

    public static bool IsRecord(Type type) => type.Namespace == typeof(DaemonConfiguration).Namespace && type.IsClass && !IsValue(type);

    // V2Ray writes AsIs, UseIP, IPIfNonMatch, and roundRobin.
    private static string PreferredName(string name, string camelCase) => name is "AsIs" || name.Contains("IP", StringComparison.Ordinal) ? name : camelCase;

    private static int DepthOf(Type type)
    {
        int depth = 0;
        for (Type? at = type; at is not null; at = at.BaseType)
        {
            depth++;
        }

        return depth;
    }
}
