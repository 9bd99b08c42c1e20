using System.Diagnostics;

namespace MuxPro.Proxy.Tests.Support;

/// <summary>Programs of others that the tests run. One that is missing skips its tests, in CI it fails them.</summary>
internal static class Tool
{
    // Where Debian keeps those that need no place in every user's PATH.
    private static readonly string[] FurtherDirectories = ["/usr/sbin", "/sbin", "/usr/local/sbin"];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>Starts a program; the caller ends it.</summary>
    public static Process Start(string name, params string[] arguments)
    {
        var start = new ProcessStartInfo(Find(name)) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        return Process.Start(start)!;
    }

    /// <summary>Waits until a program says on its standard error that it is ready.</summary>
    public static async Task ReadyAsync(Process process, string word)
    {
        var said = new List<string>();
        do
        {
            said.Add(await process.StandardError.ReadLineAsync(Cancel)
                ?? throw new InvalidOperationException($"It ended: {string.Join('\n', said)}"));
        }
        while (!said[^1].Contains(word, StringComparison.Ordinal));
    }

    /// <summary>Runs a program to its end.</summary>
    /// <returns>Its exit code, and all that it said.</returns>
    public static async Task<(int ExitCode, string Said)> RunAsync(string name, params string[] arguments)
    {
        using Process process = Start(name, arguments);
        Task<string> error = process.StandardError.ReadToEndAsync(Cancel);
        string output = await process.StandardOutput.ReadToEndAsync(Cancel);
        await process.WaitForExitAsync(Cancel);
        return (process.ExitCode, output + await error);
    }

    /// <summary>Ends a program that was started.</summary>
    public static async Task EndAsync(Process? process)
    {
        if (process is not null)
        {
            process.Kill();
            await process.WaitForExitAsync(CancellationToken.None);
            process.Dispose();
        }
    }

    private static string Find(string name)
    {
        string? path = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Concat(FurtherDirectories)
            .Select(directory => Path.Combine(directory, name)).FirstOrDefault(File.Exists);
        if (path is null && Environment.GetEnvironmentVariable("CI") != "true")
        {
            Assert.Skip($"{name} is not installed.");
        }

        Assert.True(path is not null, $"{name} is not installed.");
        return path;
    }
}
