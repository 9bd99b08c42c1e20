using System.Globalization;

namespace MuxPro.Tests.Support;

/// <summary>What one end sent in one piece, and the lines that name the frames which complete in it.</summary>
internal sealed record RecordedChunk(bool FromClient, byte[] Bytes, IReadOnlyList<string> Comments);

/// <summary>A main connection between two prototypes, from the folder Vectors.</summary>
internal sealed class RecordedConnection
{
    private RecordedConnection(string name, IReadOnlyList<RecordedChunk> chunks)
    {
        Name = name;
        Chunks = chunks;
    }

    public static IReadOnlyList<string> Names { get; } =
        [.. Directory.GetFiles(Folder, "*.txt").Select(path => Path.GetFileNameWithoutExtension(path)).Order(StringComparer.Ordinal)];

    /// <summary>The file's name, for example <c>00_tcp_domain</c>.</summary>
    public string Name { get; }

    /// <summary>What the prototypes spoke.</summary>
    public ProtocolVersion Version => new(0, ushort.Parse(Name.AsSpan(0, 2), CultureInfo.InvariantCulture));

    /// <summary>All chunks, in the order in which they were seen.</summary>
    public IReadOnlyList<RecordedChunk> Chunks { get; }

    private static string Folder => Path.Combine(AppContext.BaseDirectory, "Vectors");

    public static RecordedConnection Load(string name)
    {
        var chunks = new List<RecordedChunk>();
        var comments = new List<string>();
        foreach (string line in File.ReadLines(Path.Combine(Folder, name + ".txt")))
        {
            if (line.StartsWith('#'))
            {
                comments.Add(line[1..].Trim());
            }
            else if (line is ['C' or 'S', ' ', ..])
            {
                chunks.Add(new RecordedChunk(line[0] == 'C', Convert.FromHexString(line.AsSpan(2).Trim()), [.. comments]));
                comments.Clear();
            }
            else if (line.Length > 0)
            {
                throw new InvalidDataException($"{name}: '{line}' is neither a comment nor a chunk.");
            }
        }

        return new RecordedConnection(name, chunks);
    }

    /// <summary>All that one end sent.</summary>
    public byte[] Sent(bool byClient) => [.. Chunks.Where(chunk => chunk.FromClient == byClient).SelectMany(chunk => chunk.Bytes)];

    public override string ToString() => Name;
}
