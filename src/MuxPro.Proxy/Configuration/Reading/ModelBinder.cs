using System.Collections;
using System.Globalization;
using System.Net;
using System.Reflection;
using System.Text.Json;
using MuxPro.Proxy.Configuration.Model;

namespace MuxPro.Proxy.Configuration.Reading;

/// <summary>
/// Makes the records of the model out of JSON, by what the model says of itself, and reports everything that does not fit.
/// </summary>
internal sealed class ModelBinder(List<ConfigurationProblem> problems, SourceMap sources)
{
    /// <summary>Whether every record has what it cannot do without; settings of a protocol that is not known aside.</summary>
    public bool IsComplete { get; private set; } = true;

    /// <summary>Reads a record; where a field is wrong it has its default.</summary>
    public T Bind<T>(ConfigurationNode node)
        where T : class => (T)BindRecord(node, (ModelRecord)ModelTypes.Of(typeof(T)), node)!;

    private object? Bind(ConfigurationNode node, ModelType type, RangeAttribute? range) => type switch
    {
        ModelPlain<string> => BindText(node),
        ModelPlain<bool> => node.Kind is JsonValueKind.True or JsonValueKind.False
            ? node.Kind == JsonValueKind.True : Wrong(node, "true or false"),
        ModelPlain<int> => BindNumber(node, range),
        ModelPlain<IPAddress> => node.Kind == JsonValueKind.String && IPAddress.TryParse(node.Text, out IPAddress? address)
            ? address : Wrong(node, "an IP address such as \"192.0.2.1\" or \"2001:db8::1\""),
        ModelPlain<IReadOnlyDictionary<string, string>> => BindDictionary(node),
        ModelEnum words => BindEnum(node, words),
        ModelValue value => BindValue(node, value),
        ModelList list => BindList(node, list.Item),
        ModelRecord record => BindRecord(node, record, node),
        _ => throw new NotSupportedException($"Nothing reads {type.Type}."),
    };

    private string? BindText(ConfigurationNode node)
    {
        if (node.Kind == JsonValueKind.String)
        {
            return node.Text;
        }

        Wrong(node, "a string");
        return null;
    }

    private object? BindNumber(ConfigurationNode node, RangeAttribute? range)
    {
        (long least, long most) = range is null ? (int.MinValue, int.MaxValue) : (range.Least, range.Most);
        return node.Kind == JsonValueKind.Number
            && long.TryParse(node.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number)
            && number >= least && number <= most
            ? (int)number
            : Wrong(node, string.Create(CultureInfo.InvariantCulture, $"a whole number from {least} to {most}"));
    }

    private object? BindEnum(ConfigurationNode node, ModelEnum type)
    {
        foreach ((string name, IReadOnlyList<string> aliases, object value) in type.Words)
        {
            if (node.Kind == JsonValueKind.String
                && (name.Equals(node.Text, StringComparison.OrdinalIgnoreCase)
                    || aliases.Contains(node.Text, StringComparer.OrdinalIgnoreCase)))
            {
                return value;
            }
        }

        return Wrong(node, Spelling.OneOf([.. type.Words.Select(static word => word.Name)], node.Text));
    }

    private object? BindValue(ConfigurationNode node, ModelValue type)
    {
        if (node.Kind != JsonValueKind.String && !(node.Kind == JsonValueKind.Number && type.IsNumeric))
        {
            return Wrong(node, type.IsNumeric ? "a number or a string" : "a string");
        }

        try
        {
            return type.Parse(node.Text);
        }
        catch (FormatException exception)
        {
            return Wrong(node, exception.Message);
        }
    }

    private IList BindList(ConfigurationNode node, ModelType item)
    {
        IList list = item.NewList();

        // V2Ray takes one value for a list of one, and "a,b" for two.
        IEnumerable<ConfigurationNode> nodes = node.Kind switch
        {
            JsonValueKind.Array => node.Items,
            JsonValueKind.String when item is not ModelRecord => node.Text.Split(',', StringSplitOptions.TrimEntries)
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
            if (BindText(value) is { } text)
            {
                values[name] = text;
            }
        }

        return values;
    }

    /// <param name="node">The object.</param>
    /// <param name="type">The record.</param>
    /// <param name="where">Where to say that something is missing.</param>
    private object? BindRecord(ConfigurationNode node, ModelRecord type, ConfigurationNode where)
    {
        if (node.Kind != JsonValueKind.Object)
        {
            return Wrong(node, "an object: { ... }");
        }

        object record = type.New();
        sources.Add(record, where);
        IReadOnlyList<ModelField> fields = type.Fields;
        var seen = new HashSet<ModelField>();
        foreach ((string name, ConfigurationNode value) in node.Fields)
        {
            ModelField? field = fields.FirstOrDefault(candidate => candidate.IsNamed(name));
            if (field is null)
            {
                CheckUnknown(name, value, type);
            }
            else if (!seen.Add(field))
            {
                problems.Add(value.Problem($"'{field.Name}' is there twice by different names; leave one out."));
            }
            else if (field.FormBy is null && Bind(value, field.Type, field.Range) is { } bound)
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
            && (candidate.Name.Equals(named.Text, StringComparison.OrdinalIgnoreCase)
                || named.Text.Equals(candidate.Alias, StringComparison.OrdinalIgnoreCase)));
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
        if (BindRecord(settings, (ModelRecord)ModelTypes.Of(form.Type), settings) is { } bound)
        {
            field.Property.SetValue(record, bound);
        }
    }

    private void CheckUnknown(string name, ConfigurationNode value, ModelRecord type)
    {
        IReadOnlyList<ModelField> fields = type.Fields;
        if (fields.Any(field => name.Equals(field.FormBy, StringComparison.OrdinalIgnoreCase))
            || (name == "$schema" && value.Path == "$.$schema"))
        {
            return;
        }

        if (NotServed(type.Type, name) is { } notServed)
        {
            problems.Add(value.Problem(Instead(notServed)));
            return;
        }

        string[] names = [.. fields.Select(static field => field.Name), .. fields.Select(static field => field.FormBy).OfType<string>()];
        problems.Add(value.Problem($"there is no field '{name}' here{Spelling.DidYouMean(names, name)}"));
    }

    private static NotServedAttribute? NotServed(Type type, string name) => type.GetCustomAttributes<NotServedAttribute>(inherit: true)
        .FirstOrDefault(candidate => candidate.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

    private static string Instead(NotServedAttribute notServed)
        => $"'{notServed.Name}' is V2Ray's and not served here; instead: {notServed.Instead}.";

    private object? Wrong(ConfigurationNode node, string right)
    {
        problems.Add(node.Problem($"{node.What} is not right; it is {right}."));
        return null;
    }
}
