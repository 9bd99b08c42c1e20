using System.Collections;
using System.Net;
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
        JsonObject schema = ToObject((ModelRecord)ModelTypes.Of(typeof(DaemonConfiguration)));
        ((JsonObject)schema["properties"]!)["$schema"] = new JsonObject { ["type"] = "string" };
        var root = new JsonObject
        {
            ["$schema"] = "http://json-schema.org/draft-07/schema#",
            ["title"] = "The configuration of muxpro run",
        };

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

    /// <summary>
    /// The default of a field as the configuration would write it, or <see langword="null"/> where there is none to write.
    /// </summary>
    public static JsonNode? DefaultOf(ModelField field, ModelRecord record)
    {
        if (field.IsRequired || field.FormBy is not null || field.Type is ModelRecord)
        {
            return null;
        }

        // An empty list says no more than a field that is left out.
        return field.Property.GetValue(record.New()) is { } value && ToJson(value, field.Type) is var json and not JsonArray { Count: 0 }
            ? json : null;
    }

    private static JsonNode ToJson(object value, ModelType type) => (value, type) switch
    {
        (bool flag, _) => flag,
        (int number, _) => number,
        (_, ModelEnum words) => words.Words.First(word => word.Value.Equals(value)).Name,
        (IDictionary, _) => new JsonObject(),
        (IEnumerable items, ModelList list) => new JsonArray([.. items.Cast<object>().Select(item => ToJson(item, list.Item))]),
        _ => value.ToString()!,
    };

    private static JsonObject ToObject(ModelRecord type)
    {
        var properties = new JsonObject();
        var required = new JsonArray();
        var conditions = new JsonArray();
        foreach (ModelField field in type.Fields)
        {
            if (field.FormBy is { } by)
            {
                properties[by] = new JsonObject
                {
                    ["description"] = "What it speaks: 'settings' depend on it.",
                    ["enum"] = new JsonArray([.. field.Forms.SelectMany(NamesOf).Select(static name => (JsonNode)name)]),
                };
                required.Add((JsonNode)by);
                properties[field.Name] = new JsonObject { ["description"] = field.Description, ["type"] = "object" };
                foreach (FormAttribute form in field.Forms)
                {
                    // What may be left out is as an empty object.
                    JsonObject settings = ToObject((ModelRecord)ModelTypes.Of(form.Type));
                    var then = new JsonObject { ["properties"] = new JsonObject { [field.Name] = settings } };
                    if (settings.ContainsKey("required"))
                    {
                        then["required"] = new JsonArray(field.Name);
                    }

                    conditions.Add((JsonNode)new JsonObject
                    {
                        ["if"] = new JsonObject
                        {
                            ["properties"] = new JsonObject
                            {
                                [by] = new JsonObject
                                {
                                    ["enum"] = new JsonArray([.. NamesOf(form).Select(static name => (JsonNode)name)]),
                                },
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
                required.Add((JsonNode)field.Name);
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

    private static JsonObject ToProperty(ModelField field, ModelRecord record)
    {
        JsonObject property = ToType(field.Type, field.Range);
        property["description"] = field.Description;
        if (DefaultOf(field, record) is { } value)
        {
            property["default"] = value;
        }

        return property;
    }

    private static JsonObject ToType(ModelType type, RangeAttribute? range) => type switch
    {
        ModelPlain<string> => new JsonObject { ["type"] = "string" },
        ModelPlain<bool> => new JsonObject { ["type"] = "boolean" },
        ModelPlain<int> => new JsonObject
        {
            ["type"] = "integer",
            ["minimum"] = range?.Least ?? int.MinValue,
            ["maximum"] = range?.Most ?? int.MaxValue,
        },
        ModelPlain<IPAddress> => new JsonObject { ["type"] = "string", ["pattern"] = AddressPattern },
        ModelPlain<IReadOnlyDictionary<string, string>> => new JsonObject
        {
            ["type"] = "object",
            ["additionalProperties"] = new JsonObject { ["type"] = "string" },
        },
        ModelEnum words => new JsonObject
        {
            ["enum"] = new JsonArray(
                [.. words.Words.SelectMany(static word => word.Aliases.Prepend(word.Name)).Select(static name => (JsonNode)name)]),
        },
        ModelValue { IsNumeric: true } value => new JsonObject
        {
            ["type"] = new JsonArray("integer", "string"),
            ["pattern"] = value.Pattern,
            ["minimum"] = 1,
            ["maximum"] = ushort.MaxValue,
        },
        ModelValue value => new JsonObject { ["type"] = "string", ["pattern"] = value.Pattern },
        ModelList list => ToList(list.Item),
        ModelRecord record => ToObject(record),
        _ => throw new NotSupportedException($"Nothing describes {type.Type}."),
    };

    private static JsonObject ToList(ModelType item)
    {
        var list = new JsonObject { ["type"] = "array", ["items"] = ToType(item, range: null) };

        // One value for a list of one, as V2Ray takes it.
        return item is ModelRecord ? list : new JsonObject { ["anyOf"] = new JsonArray(list, ToType(item, range: null)) };
    }

    private static IEnumerable<string> NamesOf(FormAttribute form) => form.Alias is null ? [form.Name] : [form.Name, form.Alias];
}
