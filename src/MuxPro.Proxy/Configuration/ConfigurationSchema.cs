using System.Collections;
using System.Net;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace MuxPro.Proxy.Configuration;

/// <summary>The JSON schema of configurations (draft-07, which editors know best), from what the model says of itself.</summary>
internal static class ConfigurationSchema
{
    private static readonly JsonSerializerOptions Indented = new()
    {
        WriteIndented = true,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static string Create()
    {
        JsonObject schema = ToObject(typeof(DaemonConfiguration));
        ((JsonObject)schema["properties"]!)["$schema"] = new JsonObject { ["type"] = "string" };
        var root = new JsonObject { ["$schema"] = "http://json-schema.org/draft-07/schema#", ["title"] = "The configuration of muxpro run" };
        foreach ((string name, JsonNode? value) in schema.ToArray())
        {
            schema.Remove(name);
            root[name] = value;
        }

        return root.ToJsonString(Indented) + "\n";
    }

    /// <summary>The default of a field as the configuration would write it, or <see langword="null"/> where there is none to write.</summary>
    public static JsonNode? DefaultOf(ModelField field, Type record)
    {
        if (field.IsRequired || field.FormBy is not null)
        {
            return null;
        }

        object? value = field.Property.GetValue(Activator.CreateInstance(record));
        return value is null || ModelField.IsRecord(value.GetType()) ? null : ToJson(value);
    }

    private static JsonNode ToJson(object value) => value switch
    {
        bool flag => flag,
        int number => number,
        string text => text,
        Enum => ModelField.ValuesOf(value.GetType()).First(candidate => candidate.Value.Equals(value)).Name,
        IDictionary => new JsonObject(),
        IEnumerable list => new JsonArray([.. list.Cast<object>().Select(ToJson)]),
        _ => value.ToString()!,
    };

    private static JsonObject ToObject(Type type)
    {
        var properties = new JsonObject();
        var required = new JsonArray();
        var conditions = new JsonArray();
        foreach (ModelField field in ModelField.Of(type))
        {
            if (field.FormBy is { } by)
            {
                properties[by] = new JsonObject
                {
                    ["description"] = "What it speaks: 'settings' depend on it.",
                    ["enum"] = new JsonArray([.. field.Forms.SelectMany(NamesOf).Select(static name => (JsonNode)name)]),
                };
                required.Add(by);
                properties[field.Name] = new JsonObject { ["description"] = field.Description };
                foreach (FormAttribute form in field.Forms)
                {
                    conditions.Add(new JsonObject
                    {
                        ["if"] = new JsonObject
                        {
                            ["properties"] = new JsonObject
                            {
                                [by] = new JsonObject { ["enum"] = new JsonArray([.. NamesOf(form).Select(static name => (JsonNode)name)]) },
                            },
                        },
                        ["then"] = new JsonObject { ["properties"] = new JsonObject { [field.Name] = ToObject(form.Type) } },
                    });
                }

                continue;
            }

            JsonObject property = ToType(field.Property.PropertyType, field.Range);
            property["description"] = field.Description;
            if (DefaultOf(field, type) is { } value)
            {
                property["default"] = value;
            }

            properties[field.Name] = property;
            if (field.IsRequired)
            {
                required.Add(field.Name);
            }
        }

        var schema = new JsonObject { ["type"] = "object", ["properties"] = properties, ["additionalProperties"] = false };
        if (required.Count > 0)
        {
            schema["required"] = required;
        }

        if (conditions.Count > 0)
        {
            schema["allOf"] = conditions;
        }

        return schema;
    }

    private static JsonObject ToType(Type type, RangeAttribute? range)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (type.IsEnum)
        {
            return new JsonObject
            {
                ["enum"] = new JsonArray([.. ModelField.ValuesOf(type).SelectMany(static value => value.Aliases.Prepend(value.Name)).Select(static name => (JsonNode)name)]),
            };
        }

        if (ModelField.IsValue(type))
        {
            string pattern = (string)type.GetProperty("Pattern", BindingFlags.Public | BindingFlags.Static)!.GetValue(null)!;
            return type == typeof(PortRange) || type == typeof(PortRanges)
                ? new JsonObject { ["type"] = new JsonArray("integer", "string"), ["pattern"] = pattern, ["minimum"] = 1, ["maximum"] = ushort.MaxValue }
                : new JsonObject { ["type"] = "string", ["pattern"] = pattern };
        }

        if (ModelField.ItemOf(type) is { } item)
        {
            var list = new JsonObject { ["type"] = "array", ["items"] = ToType(item, range: null) };

            // One value for a list of one, as V2Ray takes it.
            return ModelField.IsRecord(item) ? list : new JsonObject { ["anyOf"] = new JsonArray(list, new JsonObject { ["type"] = "string" }) };
        }

        if (type == typeof(int))
        {
            return new JsonObject { ["type"] = "integer", ["minimum"] = range?.Least ?? int.MinValue, ["maximum"] = range?.Most ?? int.MaxValue };
        }

        return type == typeof(bool) ? new JsonObject { ["type"] = "boolean" }
            : type == typeof(string) || type == typeof(IPAddress) ? new JsonObject { ["type"] = "string" }
            : type == typeof(IReadOnlyDictionary<string, string>)
                ? new JsonObject { ["type"] = "object", ["additionalProperties"] = new JsonObject { ["type"] = "string" } }
            : ToObject(type);
    }

    private static IEnumerable<string> NamesOf(FormAttribute form) => form.Alias is null ? [form.Name] : [form.Name, form.Alias];
}
