using MuxPro.Fuzz;
using MuxPro.Tests.Support;

namespace MuxPro.Tests.Protocol;

public sealed class FuzzCorpusTests
{
    public static TheoryData<string> Frames => FuzzCorpus.Of("frames");

    [Theory]
    [MemberData(nameof(Frames))]
    public void Frames_Pass(string file) => FramesTarget.Run(FuzzCorpus.Read("frames", file));
}
