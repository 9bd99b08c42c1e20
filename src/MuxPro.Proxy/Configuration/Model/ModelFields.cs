using System.ComponentModel;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace MuxPro.Proxy.Configuration.Model;

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

    /// <summary>What it holds, where it has one form.</summary>
    public ModelType Type => ModelTypes.Of(Property.PropertyType);

    public bool IsNamed(string name)
        => Name.Equals(name, StringComparison.OrdinalIgnoreCase) || Aliases.Contains(name, StringComparer.OrdinalIgnoreCase);

    /// <summary>The fields of a record, those of its base first.</summary>
    public static IReadOnlyList<ModelField> Of([DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicProperties)] Type type) =>
    [
        .. type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(static property => property.GetCustomAttribute<DescriptionAttribute>() is not null)
            .OrderBy(static property => property.DeclaringType!.BaseType == typeof(object) ? 0 : DepthOf(property.DeclaringType))
            .Select(static property => new ModelField(property)),
    ];

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
