using System.Text.Json;
using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Shared;

namespace MuxPro.Proxy.Configuration.Reading;

/// <summary>
/// Reads a configuration from one file or several. Later files add their inbounds, outbounds, rules and balancers, where one with the tag
/// of an earlier one takes its place; of everything else the last word counts.
/// </summary>
internal static class ConfigurationReader
{
    /// <summary>The name that stands for standard input.</summary>
    public const string StandardInput = "-";

    // More than anybody reads; what a file of nothing but mistakes may say.
    private const int MaxProblems = 1000;

    /// <summary>The files of a directory that are part of a configuration, in the order of their names.</summary>
    /// <exception cref="ConfigurationException">It is no directory.</exception>
    public static IReadOnlyList<string> FilesOf(string directory)
    {
        try
        {
            return
            [
                .. Directory.GetFiles(directory)
                    .Where(static file => Path.GetExtension(file) is ".json" or ".jsonc")
                    .Order(StringComparer.Ordinal),
            ];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException($"--confdir {directory}: is no directory that can be read.", exception);
        }
    }

    /// <summary>Reads files and checks what they say.</summary>
    /// <param name="files">The files; later ones add to earlier ones.</param>
    /// <param name="check">Finds what is wrong with a configuration whose parts are all readable.</param>
    public static ConfigurationResult Read(IReadOnlyList<string> files, ConfigurationCheck check)
    {
        var problems = new List<ConfigurationProblem>();
        ConfigurationNode? all = null;
        foreach (string file in files)
        {
            if (ReadFile(file, problems) is { } bytes && ConfigurationParser.Parse(file, bytes, problems) is { } root)
            {
                if (root.Kind != JsonValueKind.Object)
                {
                    problems.Add(
                        root.Problem($"{root.What} is not right; it is an object: {{ \"inbounds\": [ ... ], \"outbounds\": [ ... ] }}."));
                    continue;
                }

                all = all is null ? root : Merge(all, root);
            }
        }

        return Bind(all, problems, check);
    }

    /// <summary>Reads one text.</summary>
    public static ConfigurationResult ReadText(string file, ReadOnlySpan<byte> bytes, ConfigurationCheck check)
    {
        var problems = new List<ConfigurationProblem>();
        return Bind(ConfigurationParser.Parse(file, bytes, problems), problems, check);
    }

    private static ConfigurationResult Bind(ConfigurationNode? root, List<ConfigurationProblem> problems, ConfigurationCheck check)
    {
        var sources = new SourceMap();
        if (root is null)
        {
            return new ConfigurationResult(null, Limited(problems), sources);
        }

        var binder = new ModelBinder(problems, sources);
        DaemonConfiguration? configuration = binder.Bind<DaemonConfiguration>(root);
        if (configuration is not null && binder.IsComplete)
        {
            // What could not be read would only be reported again as something that is missing.
            HashSet<string> unread = WithParents(problems.Select(static problem => problem.Path));
            problems.AddRange(check(configuration, sources)
                .Select(finding => sources.Problem(finding.Part, finding.Field, finding.Message, finding.IsWarning))
                .Where(problem => !unread.Contains(ParentOf(problem.Path))));
        }

        bool isGood = problems.All(static problem => problem.IsWarning);
        return new ConfigurationResult(isGood ? configuration : null, Limited(problems), sources);
    }

    private static List<ConfigurationProblem> Limited(List<ConfigurationProblem> problems) => problems.Count <= MaxProblems ? problems
        :
        [
            .. problems.Take(MaxProblems),
            new ConfigurationProblem(problems[0].File, 0, 0, "", $"has {problems.Count - MaxProblems} more problems."),
        ];

    /// <summary>Paths, and all that they are in.</summary>
    private static HashSet<string> WithParents(IEnumerable<string> paths)
    {
        var all = new HashSet<string>(StringComparer.Ordinal);
        foreach (string path in paths)
        {
            // Where one is there already, so is all that it is in.
            int end = path.Length;
            while (end >= 0 && all.Add(path[..end]))
            {
                end = path.AsSpan(0, end).LastIndexOfAny('.', '[');
            }
        }

        return all;
    }

    private static string ParentOf(string path) => path.LastIndexOf('.') is var dot and > 0 ? path[..dot] : path;

    private static byte[]? ReadFile(string file, List<ConfigurationProblem> problems)
    {
        try
        {
            if (file == StandardInput)
            {
                using Stream input = Console.OpenStandardInput();
                using var text = new MemoryStream();
                input.CopyTo(text);
                return text.ToArray();
            }

            return NamedFile.ReadAllBytes(file);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            problems.Add(new ConfigurationProblem(file, 0, 0, "", FileProblem.Describe(exception)));
            return null;
        }
    }

    private static ConfigurationNode Merge(ConfigurationNode earlier, ConfigurationNode later)
    {
        foreach ((string name, ConfigurationNode value) in later.Fields)
        {
            int index = earlier.Fields.FindIndex(field => field.Key.Equals(name, StringComparison.OrdinalIgnoreCase));
            if (index < 0)
            {
                earlier.Fields.Add(new(name, value));
                continue;
            }

            ConfigurationNode old = earlier.Fields[index].Value;
            ConfigurationNode merged = (old.Kind, value.Kind) switch
            {
                (JsonValueKind.Object, JsonValueKind.Object) => Merge(old, value),
                (JsonValueKind.Array, JsonValueKind.Array) => Append(old, value),
                _ => value,
            };
            earlier.Fields[index] = new(earlier.Fields[index].Key, merged);
        }

        return earlier;
    }

    private static ConfigurationNode Append(ConfigurationNode earlier, ConfigurationNode later)
    {
        int own = earlier.Items.Count;
        foreach (ConfigurationNode item in later.Items)
        {
            string? tag = item.Kind == JsonValueKind.Object ? item.Find("tag")?.Text : null;
            int same = tag is null
                ? -1
                : earlier.Items.FindIndex(0, own, other => other.Kind == JsonValueKind.Object && other.Find("tag")?.Text == tag);
            if (same >= 0)
            {
                earlier.Items[same] = item;
            }
            else
            {
                earlier.Items.Add(item);
            }
        }

        return earlier;
    }
}

/// <summary>What was read.</summary>
/// <param name="Configuration">The configuration, or <see langword="null"/> where there are problems that are more than warnings.</param>
/// <param name="Problems">All that is wrong.</param>
/// <param name="Sources">Where its parts came from.</param>
internal sealed record ConfigurationResult(
    DaemonConfiguration? Configuration, IReadOnlyList<ConfigurationProblem> Problems, SourceMap Sources);

/// <summary>Finds what is wrong with a configuration whose parts are all readable.</summary>
/// <param name="configuration">The configuration.</param>
/// <param name="sources">Where its parts came from.</param>
internal delegate IEnumerable<Finding> ConfigurationCheck(DaemonConfiguration configuration, SourceMap sources);
