using System.Collections;
using System.Net;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using MuxPro.Proxy.Configuration.Model;

namespace MuxPro.Proxy.Configuration.Reading;

/// <summary>The JSON schema of configurations (draft-07, which editors know best), from what the model says of itself.</summary>
internal static class ConfigurationSchema
{
    // IPv4 or IPv6, as far as letters go.
    private const string AddressPattern = "^([0-9.]+|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*)$";

    private static readonly JsonSerializerOptions Indented = new()
    {
        WriteIndented = true,
        NewLine = "\n",
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static string Create()
    {
        JsonObject schema = ToObject(typeof(DaemonConfiguration));
        ((JsonObject)schema["properties"]!)["$schema"] = new JsonObject { ["type"] = "string" };
        var root = new JsonObject { ["$schema"] = "http://json-schema.org/draft-07/schema#", ["title"] = "The configuration of muxpro run" };

        // Editors know these two, others ignore them.
        root["allowComments"] = true;
        root["allowTrailingCommas"] = true;
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
                properties[field.Name] = new JsonObject { ["description"] = field.Description, ["type"] = "object" };
                foreach (FormAttribute form in field.Forms)
                {
                    // What may be left out is as an empty object.
                    JsonObject settings = ToObject(form.Type);
                    var then = new JsonObject { ["properties"] = new JsonObject { [field.Name] = settings } };
                    if (settings.ContainsKey("required"))
                    {
                        then["required"] = new JsonArray(field.Name);
                    }

                    conditions.Add(new JsonObject
                    {
                        ["if"] = new JsonObject
                        {
                            ["properties"] = new JsonObject
                            {
                                [by] = new JsonObject { ["enum"] = new JsonArray([.. NamesOf(form).Select(static name => (JsonNode)name)]) },
                            },
                            ["required"] = new JsonArray(by),
                        },
                        ["then"] = then,
                    });
                }

                continue;
            }

            foreach (string name in field.Aliases.Prepend(field.Name))
            {
                properties[name] = ToProperty(field, type);
            }

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

    private static JsonObject ToProperty(ModelField field, Type record)
    {
        JsonObject property = ToType(field.Property.PropertyType, field.Range);
        property["description"] = field.Description;
        if (DefaultOf(field, record) is { } value)
        {
            property["default"] = value;
        }

        return property;
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
            return ModelField.IsNumeric(type)
                ? new JsonObject { ["type"] = new JsonArray("integer", "string"), ["pattern"] = pattern, ["minimum"] = 1, ["maximum"] = ushort.MaxValue }
                : new JsonObject { ["type"] = "string", ["pattern"] = pattern };
        }

        if (ModelField.ItemOf(type) is { } item)
        {
            var list = new JsonObject { ["type"] = "array", ["items"] = ToType(item, range: null) };

            // One value for a list of one, as V2Ray takes it.
            return ModelField.IsRecord(item) ? list : new JsonObject { ["anyOf"] = new JsonArray(list, ToType(item, range: null)) };
        }

        if (type == typeof(int))
        {
            return new JsonObject { ["type"] = "integer", ["minimum"] = range?.Least ?? int.MinValue, ["maximum"] = range?.Most ?? int.MaxValue };
        }

        return type == typeof(bool) ? new JsonObject { ["type"] = "boolean" }
            : type == typeof(string) ? new JsonObject { ["type"] = "string" }
            : type == typeof(IPAddress) ? new JsonObject { ["type"] = "string", ["pattern"] = AddressPattern }
            : type == typeof(IReadOnlyDictionary<string, string>)
                ? new JsonObject { ["type"] = "object", ["additionalProperties"] = new JsonObject { ["type"] = "string" } }
            : ToObject(type);
    }

    private static IEnumerable<string> NamesOf(FormAttribute form) => form.Alias is null ? [form.Name] : [form.Name, form.Alias];
}
