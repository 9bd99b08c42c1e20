using System.Buffers;
using MuxPro.Core;
using MuxPro.Protocol;
using MuxPro.Tests.Support;

namespace MuxPro.Tests.Core;

public sealed class VersionNegotiationTests
{
    private static readonly ProtocolVersion[] Spoken = [ProtocolVersion.V0_1, ProtocolVersion.V0_0];

    [Theory]
    [InlineData(new uint[] { 0 }, 0L)]
    [InlineData(new uint[] { 1 }, 1L)]
    [InlineData(new uint[] { 0, 1 }, 1L)]
    [InlineData(new uint[] { 1, 0 }, 1L)]
    [InlineData(new uint[] { 0x8001, 0xffffffff, 0 }, 0L)]
    [InlineData(new uint[] { 0, 0, 0 }, 0L)]
    [InlineData(new uint[] { 2 }, null)]
    [InlineData(new uint[] { 0x00010000, 0x8001 }, null)]
    public void Choose_TheHighestThatBothSpeak(uint[] offered, long? chosen)
    {
        ProtocolVersion? choice = null;
        Read(offered, (in Frame frame) => choice = VersionNegotiation.Choose(frame, Spoken));
        Assert.Equal(chosen, choice?.Value);
    }

    [Theory]
    [InlineData(new uint[] { 0 }, 0L)]
    [InlineData(new uint[] { 1 }, 1L)]
    [InlineData(new uint[] { 2 }, null)]
    [InlineData(new uint[] { 1, 0 }, null)]
    [InlineData(new uint[] { 0, 0 }, null)]
    public void CheckAnswer_OneVersionThatWasOffered(uint[] answered, long? chosen)
    {
        ProtocolVersion? answer = null;
        Read(answered, (in Frame frame) => answer = VersionNegotiation.CheckAnswer(frame, Spoken));
        Assert.Equal(chosen, answer?.Value);
    }

    private delegate void Use(in Frame frame);

    private static void Read(uint[] versions, Use use)
    {
        var reader = new FrameReader();
        var bytes = new ReadOnlySequence<byte>(Raw.Negotiate(versions));
        Assert.Equal(FrameReadStatus.Frame, reader.TryRead(ref bytes, out Frame frame, out _));
        use(frame);
    }
}
