using System.Collections;
using System.Globalization;
using System.Net;
using System.Reflection;
using System.Text.Json;
using MuxPro.Proxy.Configuration.Model;

namespace MuxPro.Proxy.Configuration.Reading;

/// <summary>Makes the records of the model out of JSON, by what the model says of itself, and reports everything that does not fit.</summary>
internal sealed class ModelBinder(List<ConfigurationProblem> problems, SourceMap sources)
{
    private static readonly Dictionary<Type, IReadOnlyList<ModelField>> Fields = [];

    /// <summary>Whether every record has what it cannot do without; settings of a protocol that is not known aside.</summary>
    public bool IsComplete { get; private set; } = true;

    /// <summary>Reads a record; where a field is wrong it has its default.</summary>
    public T Bind<T>(ConfigurationNode node)
        where T : class => (T)BindRecord(node, typeof(T), node)!;

    private object? Bind(ConfigurationNode node, Type type, RangeAttribute? range)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (type == typeof(string))
        {
            return node.Kind == JsonValueKind.String ? node.Text : Wrong(node, "a string");
        }

        if (type == typeof(bool))
        {
            return node.Kind is JsonValueKind.True or JsonValueKind.False ? node.Kind == JsonValueKind.True : Wrong(node, "true or false");
        }

        if (type == typeof(int))
        {
            return BindNumber(node, range);
        }

        if (type.IsEnum)
        {
            return BindEnum(node, type);
        }

        if (type == typeof(IPAddress))
        {
            return node.Kind == JsonValueKind.String && IPAddress.TryParse(node.Text, out IPAddress? address)
                ? address : Wrong(node, "an IP address such as \"192.0.2.1\" or \"2001:db8::1\"");
        }

        if (ModelField.IsValue(type))
        {
            return BindValue(node, type);
        }

        if (ModelField.ItemOf(type) is { } item)
        {
            return BindList(node, item);
        }

        return type == typeof(IReadOnlyDictionary<string, string>) ? BindDictionary(node) : BindRecord(node, type, node);
    }

    private object? BindNumber(ConfigurationNode node, RangeAttribute? range)
    {
        (long least, long most) = range is null ? (int.MinValue, int.MaxValue) : (range.Least, range.Most);
        return node.Kind == JsonValueKind.Number
            && long.TryParse(node.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number) && number >= least && number <= most
            ? (int)number
            : Wrong(node, string.Create(CultureInfo.InvariantCulture, $"a whole number from {least} to {most}"));
    }

    private object? BindEnum(ConfigurationNode node, Type type)
    {
        IReadOnlyList<(string Name, IReadOnlyList<string> Aliases, object Value)> values = ModelField.ValuesOf(type);
        foreach ((string name, IReadOnlyList<string> aliases, object value) in values)
        {
            if (node.Kind == JsonValueKind.String
                && (name.Equals(node.Text, StringComparison.OrdinalIgnoreCase) || aliases.Contains(node.Text, StringComparer.OrdinalIgnoreCase)))
            {
                return value;
            }
        }

        return Wrong(node, Spelling.OneOf([.. values.Select(static value => value.Name)], node.Text));
    }

    private object? BindValue(ConfigurationNode node, Type type)
    {
        if (node.Kind != JsonValueKind.String && !(node.Kind == JsonValueKind.Number && ModelField.IsNumeric(type)))
        {
            return Wrong(node, ModelField.IsNumeric(type) ? "a number or a string" : "a string");
        }

        try
        {
            return type.GetMethod("Parse", BindingFlags.Public | BindingFlags.Static, [typeof(string)])!
                .Invoke(null, BindingFlags.DoNotWrapExceptions, null, [node.Text], null);
        }
        catch (FormatException exception)
        {
            return Wrong(node, exception.Message);
        }
    }

    private IList BindList(ConfigurationNode node, Type item)
    {
        var list = (IList)Activator.CreateInstance(typeof(List<>).MakeGenericType(item))!;

        // V2Ray takes one value for a list of one, and "a,b" for two.
        IEnumerable<ConfigurationNode> nodes = node.Kind switch
        {
            JsonValueKind.Array => node.Items,
            JsonValueKind.String when !ModelField.IsRecord(item) => node.Text.Split(',', StringSplitOptions.TrimEntries)
                .Select(text => new ConfigurationNode(node.File, node.Path, node.Line, node.Column, JsonValueKind.String, text)),
            _ => [],
        };
        if (node.Kind != JsonValueKind.Array && !nodes.Any())
        {
            Wrong(node, "a list: [ ... ]");
        }

        foreach (ConfigurationNode each in nodes)
        {
            if (Bind(each, item, range: null) is { } value)
            {
                list.Add(value);
            }
        }

        return list;
    }

    private Dictionary<string, string> BindDictionary(ConfigurationNode node)
    {
        var values = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        if (node.Kind != JsonValueKind.Object)
        {
            Wrong(node, "an object of strings: { \"name\": \"value\" }");
        }

        foreach ((string name, ConfigurationNode value) in node.Fields)
        {
            if (Bind(value, typeof(string), range: null) is string text)
            {
                values[name] = text;
            }
        }

        return values;
    }

    /// <param name="node">The object.</param>
    /// <param name="type">The record.</param>
    /// <param name="where">Where to say that something is missing.</param>
    private object? BindRecord(ConfigurationNode node, Type type, ConfigurationNode where)
    {
        if (node.Kind != JsonValueKind.Object)
        {
            return Wrong(node, "an object: { ... }");
        }

        object record = Activator.CreateInstance(type)!;
        sources.Add(record, where);
        IReadOnlyList<ModelField> fields = FieldsOf(type);
        var seen = new HashSet<ModelField>();
        foreach ((string name, ConfigurationNode value) in node.Fields)
        {
            ModelField? field = fields.FirstOrDefault(candidate => candidate.IsNamed(name));
            if (field is null)
            {
                CheckUnknown(name, value, type, fields);
            }
            else if (!seen.Add(field))
            {
                problems.Add(value.Problem($"'{field.Name}' is there twice by different names; leave one out."));
            }
            else if (field.FormBy is null && Bind(value, field.Property.PropertyType, field.Range) is { } bound)
            {
                field.Property.SetValue(record, bound);
            }
        }

        IsComplete &= fields.All(field => !field.IsRequired || field.FormBy is not null || field.Property.GetValue(record) is not null);
        foreach (ModelField field in fields)
        {
            if (field.FormBy is not null)
            {
                BindForm(node, record, field);
            }
            else if (field.IsRequired && !seen.Contains(field))
            {
                problems.Add(where.Problem($"'{field.Name}' is missing. {field.Description}"));
            }
        }

        return record;
    }

    private void BindForm(ConfigurationNode node, object record, ModelField field)
    {
        string right = Spelling.OneOf([.. field.Forms.Select(static form => form.Name)], node.Find(field.FormBy!)?.Text ?? "");
        if (node.Find(field.FormBy!) is not { } named)
        {
            problems.Add(node.Problem($"'{field.FormBy}' is missing: it is {right}."));
            return;
        }

        FormAttribute? form = field.Forms.FirstOrDefault(candidate => named.Kind == JsonValueKind.String
            && (candidate.Name.Equals(named.Text, StringComparison.OrdinalIgnoreCase) || named.Text.Equals(candidate.Alias, StringComparison.OrdinalIgnoreCase)));
        if (form is null)
        {
            if (NotServed(field.Property.PropertyType, named.Text) is { } notServed)
            {
                problems.Add(named.Problem(Instead(notServed)));
            }
            else
            {
                Wrong(named, right);
            }

            return;
        }

        // What may be left out is as an empty object, and what is missing in it is missing here.
        ConfigurationNode settings = node.Find(field.Name)
            ?? new ConfigurationNode(node.File, $"{node.Path}.{field.Name}", node.Line, node.Column, JsonValueKind.Object, "");
        if (BindRecord(settings, form.Type, settings) is { } bound)
        {
            field.Property.SetValue(record, bound);
        }
    }

    private void CheckUnknown(string name, ConfigurationNode value, Type type, IReadOnlyList<ModelField> fields)
    {
        if (fields.Any(field => name.Equals(field.FormBy, StringComparison.OrdinalIgnoreCase)) || (name == "$schema" && value.Path == "$.$schema"))
        {
            return;
        }

        if (NotServed(type, name) is { } notServed)
        {
            problems.Add(value.Problem(Instead(notServed)));
            return;
        }

        string[] names = [.. fields.Select(static field => field.Name), .. fields.Select(static field => field.FormBy).OfType<string>()];
        problems.Add(value.Problem($"there is no field '{name}' here{Spelling.DidYouMean(names, name)}"));
    }

    private static NotServedAttribute? NotServed(Type type, string name) => type.GetCustomAttributes<NotServedAttribute>(inherit: true)
        .FirstOrDefault(candidate => candidate.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

    private static string Instead(NotServedAttribute notServed) => $"'{notServed.Name}' is V2Ray's and not served here; instead: {notServed.Instead}.";

    private object? Wrong(ConfigurationNode node, string right)
    {
        problems.Add(node.Problem($"{node.What} is not right; it is {right}."));
        return null;
    }

    private static IReadOnlyList<ModelField> FieldsOf(Type type)
    {
        lock (Fields)
        {
            if (!Fields.TryGetValue(type, out IReadOnlyList<ModelField>? fields))
            {
                Fields[type] = fields = ModelField.Of(type);
            }

            return fields;
        }
    }
}
