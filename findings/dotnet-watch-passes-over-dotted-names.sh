#!/usr/bin/env bash
# One would have sworn: PhysicalFileProvider.Watch(".config.json") gives a token that fires when that file is written, as it does for
#   "config.json"; a name given in full is no pattern that hidden files have to be kept out of.
# What happens: by default the provider leaves out names that begin with a dot, for watching too. Watch() returns a token all the same,
#   says it is active, and never fires; no exception tells. With ExclusionFilters.None it fires, and so does a file whose folder alone has
#   such a name.
# Version: Microsoft.Extensions.FileProviders.Physical 10.0.12 (in the shared framework of ASP.NET Core 10.0.12).
# Source: dotnet/runtime, PhysicalFilesWatcher.cs, OnFileSystemEntryChange(): FileSystemInfoHelper.IsExcluded();
#   ExclusionFilters.Sensitive is the default and means DotPrefixed, Hidden and System.
# Seen: below.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cat > Program.cs <<'EOF'
using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.FileProviders.Physical;
using Microsoft.Extensions.Primitives;

foreach (string root in (string[])["plain", ".dotted"])
{
    foreach (ExclusionFilters filters in (ExclusionFilters[])[ExclusionFilters.Sensitive, ExclusionFilters.None])
    {
        foreach (string name in (string[])["config.json", ".config.json", ".folder/config.json"])
        {
            string folder = Directory.CreateDirectory(Path.Combine(Environment.CurrentDirectory, root)).FullName;
            string file = Path.Combine(folder, name);
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, "1");
            using var provider = new PhysicalFileProvider(folder, filters);
            IChangeToken token = provider.Watch(name);
            var fired = new TaskCompletionSource();
            using IDisposable registration = token.RegisterChangeCallback(_ => fired.TrySetResult(), null);

            // The other end of the comparison: a name without a dot, written after it, has fired by then.
            File.WriteAllText(Path.Combine(folder, "last.json"), "1");
            var last = new TaskCompletionSource();
            using IDisposable second = provider.Watch("last.json").RegisterChangeCallback(_ => last.TrySetResult(), null);
            for (int i = 0; i < 100 && !last.Task.IsCompleted; i++)
            {
                File.WriteAllText(file, $"{i}");
                File.WriteAllText(Path.Combine(folder, "last.json"), $"{i}");
                await Task.WhenAny(last.Task, Task.Delay(100));
            }

            await Task.WhenAny(fired.Task, Task.Delay(300));
            string fires = fired.Task.IsCompleted ? "fires" : "silent";
            Console.WriteLine($"{root}/{name}, {filters}={fires}, active {token.ActiveChangeCallbacks}");
        }
    }
}
EOF
program
timeout -s KILL 60 dotnet out/program.dll >seen
seen_of() { sed -n "s|^$1=||p" seen; }
expect "config.json" "fires, active True" "$(seen_of 'plain/config.json, Sensitive')"
expect ".config.json" "silent, active True" "$(seen_of 'plain/.config.json, Sensitive')"
expect ".folder/config.json" "fires, active True" "$(seen_of 'plain/.folder/config.json, Sensitive')"
expect ".config.json, ExclusionFilters.None" "fires, active True" "$(seen_of 'plain/.config.json, None')"
expect "config.json, the root's own name begins with a dot" "fires, active True" "$(seen_of '.dotted/config.json, Sensitive')"
