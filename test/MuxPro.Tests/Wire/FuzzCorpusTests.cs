using MuxPro.Fuzz;

namespace MuxPro.Tests.Wire;

public sealed class FuzzCorpusTests
{
    public static TheoryData<string> Frames
        => [.. Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Corpus", "frames")).Select(path => Path.GetFileName(path))];

    [Theory]
    [MemberData(nameof(Frames))]
    public void Frames_Pass(string file) => FramesTarget.Run(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Corpus", "frames", file)));
}
