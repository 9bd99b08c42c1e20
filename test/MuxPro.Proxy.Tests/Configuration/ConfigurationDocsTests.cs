using System.Text;
using System.Text.RegularExpressions;
using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Configuration.Reading;
using MuxPro.Proxy.Security;
using MuxPro.Proxy.Tests.Support;

namespace MuxPro.Proxy.Tests.Configuration;

/// <summary>
/// What is written of configurations is what the model says. With MUXPRO_UPDATE_DOCS=1 the schema and the tables of the documentation are
/// written anew.
/// </summary>
public sealed partial class ConfigurationDocsTests
{
    private const string Begin = "<!-- fields: made from the model; MUXPRO_UPDATE_DOCS=1 dotnet test writes them anew -->\n";
    private const string End = "<!-- /fields -->\n";

    private static readonly bool IsUpdating = Environment.GetEnvironmentVariable("MUXPRO_UPDATE_DOCS") == "1";

    public static TheoryData<string> Samples
        => [.. Directory.GetFiles(Path.Combine(Root(), "samples", "config"), "*.json").Select(static file => Path.GetFileName(file))];

    [Fact]
    public void Schema_IsThatOfTheModel()
        => Compare(Path.Combine(Root(), "docs", "config.schema.json"), static _ => ConfigurationSchema.Create());

    [Fact]
    public void Fields_AreAllDocumented() => Compare(Path.Combine(Root(), "docs", "proxy.md"), static text =>
    {
        int begin = text.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length;
        int end = text.IndexOf(End, StringComparison.Ordinal);
        Assert.True(begin >= Begin.Length && end >= begin, "docs/proxy.md has lost its marks.");
        return text[..begin] + Reference() + text[end..];
    });

    [Theory]
    [MemberData(nameof(Samples))]
    public void Sample_IsGood(string file) => CheckGood(file, File.ReadAllText(Path.Combine(Root(), "samples", "config", file)));

    [Fact]
    public void ExamplesOfTheDocumentation_AreGood()
    {
        MatchCollection blocks = JsonBlock().Matches(File.ReadAllText(Path.Combine(Root(), "docs", "proxy.md")));
        Assert.NotEmpty(blocks);
        Assert.All(blocks, static block => CheckGood("proxy.md", block.Groups[1].Value));
    }

    private static void CheckGood(string name, string json)
    {
        string directory = Directory.CreateTempSubdirectory("muxpro-samples-").FullName;
        try
        {
            using var key = KeyFile.Create("sample", TimeProvider.System);
            foreach (string file in (string[])["client.pem", "server.pem"])
            {
                key.Save(Path.Combine(directory, file));
                json = json.Replace($"\"{file}\"", $"\"{Path.Combine(directory, file)}\"", StringComparison.Ordinal);
            }

            string authorized = Path.Combine(directory, "authorized");
            File.WriteAllText(authorized, $"{key.Pin} ann\n");
            ConfigurationResult result = Checked.ReadText(
                name, Encoding.UTF8.GetBytes(json.Replace("\"authorized\"", $"\"{authorized}\"", StringComparison.Ordinal)));
            Assert.True(result.Configuration is not null && result.Problems.Count == 0, string.Join('\n', result.Problems));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static void Compare(string file, Func<string, string> make)
    {
        string is_ = File.Exists(file) ? File.ReadAllText(file) : "";
        string should = make(is_);
        if (IsUpdating)
        {
            File.WriteAllText(file, should);
        }
        else
        {
            Assert.Equal(should, is_);
        }
    }

    private static string Reference()
    {
        var text = new StringBuilder();
        Describe(text, "The root", (ModelRecord)ModelTypes.Of(typeof(DaemonConfiguration)), []);
        return text.ToString();
    }

    private static void Describe(StringBuilder text, string title, ModelRecord type, HashSet<ModelRecord> done)
    {
        if (!done.Add(type))
        {
            return;
        }

        IReadOnlyList<ModelField> fields = type.Fields;
        if (fields.Count > 0)
        {
            text.Append('\n').Append("#### ").Append(title).Append("\n\n| field | type | default | |\n|---|---|---|---|\n");
            foreach (ModelField field in fields)
            {
                if (field.FormBy is { } by)
                {
                    string names = string.Join(", ", field.Forms.Select(
                        static form => form.Alias is null ? $"`{form.Name}`" : $"`{form.Name}` (V2Ray: `{form.Alias}`)"));
                    text.Append("| `").Append(by).Append("` | string | required | ").Append(names).Append(" |\n");
                }

                string value = field.FormBy is not null ? ""
                    : field.IsRequired ? "required"
                    : ConfigurationSchema.DefaultOf(field, type) is { } node ? $"`{node.ToJsonString()}`" : "";
                string description = field.Description.Replace("|", "\\|", StringComparison.Ordinal);
                text.Append("| `").Append(field.Name).Append("` | ").Append(TypeOf(field))
                    .Append(" | ").Append(value).Append(" | ").Append(description).Append(" |\n");
            }
        }

        foreach (ModelField field in fields)
        {
            if (field.FormBy is not null)
            {
                string what = title.Contains("inbounds", StringComparison.Ordinal) ? "inbound" : "outbound";
                foreach (FormAttribute form in field.Forms)
                {
                    Describe(text, $"`settings` of {what} `{form.Name}`", (ModelRecord)ModelTypes.Of(form.Type), done);
                }

                continue;
            }

            if (((field.Type as ModelList)?.Item ?? field.Type) is ModelRecord inner)
            {
                Describe(text, $"`{field.Name}`{(field.Type == inner ? "" : ", each")}", inner, done);
            }
        }
    }

    private static string TypeOf(ModelField field) => field.FormBy is not null ? "object" : TypeOf(field.Type);

    private static string TypeOf(ModelType type) => type switch
    {
        ModelList list => $"list of {TypeOf(list.Item)}s",
        ModelPlain<bool> => "true or false",
        ModelPlain<int> => "number",
        ModelValue { IsNumeric: true } => "number or string",
        ModelPlain<string> or ModelPlain<System.Net.IPAddress> or ModelEnum or ModelValue => "string",
        _ => "object",
    };

    internal static string Root()
    {
        string? directory = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(directory, "Mux.slnx")))
        {
            directory = Path.GetDirectoryName(directory)
                ?? throw new InvalidOperationException("The tests do not run inside the repository.");
        }

        return directory;
    }

    [GeneratedRegex("```json\\n(\\{.*?)```", RegexOptions.Singleline)]
    private static partial Regex JsonBlock();
}
