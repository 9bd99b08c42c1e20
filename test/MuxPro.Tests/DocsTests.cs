using System.Diagnostics;
using System.Text.RegularExpressions;

namespace MuxPro.Tests;

/// <summary>The documents show code that is in a file, output that was printed, and links that lead somewhere.</summary>
/// <remarks>
/// A comment before a code block says what it shows: <c>file: PATH</c> the whole file, <c>part: PATH NAME</c> what stands between the
/// comments <c>// &lt;NAME&gt;</c> and <c>// &lt;/NAME&gt;</c> of it, <c>output: PATH</c> what the sample prints. A sample that is shown in
/// no document says in its first comment what it prints.
/// </remarks>
public sealed partial class DocsTests
{
    private static readonly string Root = FindRoot();

    public static TheoryData<string> Samples
        => [.. Directory.GetFiles(Path.Combine(Root, "samples"), "*.cs").Select(path => $"samples/{Path.GetFileName(path)}").Order()];

    public static TheoryData<string> Documents => [.. FindDocuments()];

    [Theory]
    [MemberData(nameof(Documents))]
    public async Task Code_IsThatOfTheFile(string document)
    {
        foreach (Block block in await ReadBlocksAsync(document))
        {
            if (block.Kind == "output")
            {
                continue;
            }

            string code = await ReadAsync(block.Path);
            Assert.Equal(block.Kind == "part" ? Part(code, block.Part) : code, block.Text);
        }
    }

    [Theory]
    [MemberData(nameof(Documents))]
    public async Task Links_LeadSomewhere(string document)
    {
        string folder = Path.GetDirectoryName(Path.Combine(Root, document))!;
        foreach (Match link in LinkPattern().Matches(await ReadAsync(document)))
        {
            string target = link.Groups["target"].Value;
            if (!target.Contains("://", StringComparison.Ordinal) && !target.StartsWith('#'))
            {
                string path = Path.Combine(folder, target.Split('#')[0]);
                Assert.True(File.Exists(path) || Directory.Exists(path), $"{document} links to {target}, which is not there.");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Samples))]
    public async Task Sample_PrintsWhatTheDocumentsSay(string sample)
    {
        List<Block> blocks = [];
        foreach (string document in FindDocuments())
        {
            blocks.AddRange((await ReadBlocksAsync(document)).Where(block => block.Path == sample));
        }

        List<string> outputs = [.. blocks.Where(block => block.Kind == "output").Select(block => block.Text)];
        Match header = HeaderPattern().Match(await ReadAsync(sample));
        if (header.Success)
        {
            outputs.Add(header.Groups["text"].Value.Replace("//   ", "", StringComparison.Ordinal));
        }
        else
        {
            Assert.Contains(blocks, block => block.Kind == "file");
        }

        Assert.NotEmpty(outputs);
        string printed = await RunAsync(sample);
        Assert.All(outputs, output => Assert.Equal(printed, output));
    }

    private static async Task<string> RunAsync(string sample)
    {
        var start = new ProcessStartInfo("dotnet", ["run", sample])
        {
            WorkingDirectory = Root,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };

        // What the test run was told about its own build is not for this one; and no build server may stay and hold the output open.
        foreach (string name in start.Environment.Keys.Where(
            name => name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)).ToArray())
        {
            start.Environment.Remove(name);
        }

        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment["UseSharedCompilation"] = "false";
        using Process process = Process.Start(start)!;
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
            limit.CancelAfter(TimeSpan.FromMinutes(3));
            process.StandardInput.Close();
            Task<string> output = process.StandardOutput.ReadToEndAsync(limit.Token);
            Task<string> error = process.StandardError.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            Assert.True(process.ExitCode == 0, $"{sample} exited with {process.ExitCode}: {await output}{await error}");
            return (await output).ReplaceLineEndings("\n");
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }

    private static string Part(string code, string name)
    {
        string[] lines = code.Split('\n');
        int start = Array.FindIndex(lines, line => line.Trim() == $"// <{name}>");
        int end = Array.FindIndex(lines, line => line.Trim() == $"// </{name}>");
        Assert.True(start >= 0 && end > start, $"There is no part '{name}'.");
        int indent = lines[start].IndexOf('/', StringComparison.Ordinal);
        return string.Concat(lines[(start + 1)..end].Select(line => (line.Length > indent ? line[indent..] : "") + "\n"));
    }

    private static async Task<Block[]> ReadBlocksAsync(string document)
        => [.. BlockPattern().Matches(await ReadAsync(document)).Select(match => new Block(
            match.Groups["kind"].Value, match.Groups["path"].Value, match.Groups["part"].Value, match.Groups["text"].Value))];

    private static async Task<string> ReadAsync(string path)
        => (await File.ReadAllTextAsync(Path.Combine(Root, path), TestContext.Current.CancellationToken)).ReplaceLineEndings("\n");

    private static IEnumerable<string> FindDocuments()
        => Directory.EnumerateDirectories(Root)
            .Where(folder => Path.GetFileName(folder) is "docs" or "src" or "samples" or "bench" or "fuzz" or "test")
            .SelectMany(folder => Directory.EnumerateFiles(folder, "*.md", SearchOption.AllDirectories))
            .Concat(Directory.EnumerateFiles(Root, "*.md"))
            .Select(path => Path.GetRelativePath(Root, path).Replace('\\', '/'))
            .Order();

    private static string FindRoot()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "Mux.slnx")))
        {
            folder = Path.GetDirectoryName(folder);
        }

        return folder ?? throw new InvalidOperationException("The tests do not run inside the repository.");
    }

    [GeneratedRegex(
        @"<!-- (?<kind>file|part|output): (?<path>\S+)(?: (?<part>\S+))? -->\n```\w*\n(?<text>.*?)```", RegexOptions.Singleline)]
    private static partial Regex BlockPattern();

    [GeneratedRegex(@"\A(?://.*\n)*//.* prints:\n//\n(?<text>(?://   .*\n)+)")]
    private static partial Regex HeaderPattern();

    [GeneratedRegex(@"\[[^\]]*\]\((?<target>[^)\s]+)\)")]
    private static partial Regex LinkPattern();

    private sealed record Block(string Kind, string Path, string Part, string Text);
}
