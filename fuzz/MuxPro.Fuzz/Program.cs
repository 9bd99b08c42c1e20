using MuxPro.Fuzz;
using SharpFuzz;

// MuxPro.Fuzz TARGET           input from AFL
// MuxPro.Fuzz TARGET FILE...   runs each file once; a directory stands for its files
if (args.Length == 0 || !FuzzTargets.All.TryGetValue(args[0], out Action<byte[]>? target))
{
    Console.Error.WriteLine($"usage: MuxPro.Fuzz TARGET [FILE...]   targets: {string.Join(", ", FuzzTargets.All.Keys)}");
    return 2;
}

if (args.Length == 1)
{
    Fuzzer.OutOfProcess.Run(stream =>
    {
        using var input = new MemoryStream();
        stream.CopyTo(input);
        target(input.ToArray());
    });
    return 0;
}

IEnumerable<string> files = args.Skip(1).SelectMany(path => Directory.Exists(path) ? Directory.GetFiles(path) : [path]);
foreach (string path in files.Order(StringComparer.Ordinal))
{
    target(File.ReadAllBytes(path));
    Console.WriteLine($"{path}: passed");
}

return 0;
