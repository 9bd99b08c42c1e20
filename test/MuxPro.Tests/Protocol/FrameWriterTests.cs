using System.Buffers;
using MuxPro.Protocol;

namespace MuxPro.Tests.Protocol;

/// <summary>What cannot be written.</summary>
public sealed class FrameWriterTests
{
    private readonly ArrayBufferWriter<byte> _writer = new();
    private readonly Destination _tcp = Destination.Tcp("example.com", 80);
    private readonly Destination _udp = Destination.Udp("example.com", 80);

    [Fact]
    public void NegotiateVersion_OfNoneOrTooMany_Throws()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => FrameWriter.WriteNegotiateVersion(_writer, []));
        Assert.Throws<ArgumentOutOfRangeException>(() => FrameWriter.WriteNegotiateVersion(_writer, new ProtocolVersion[256]));
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(0x8000_0000u)]
    public void CreditUpdate_OutOfRange_Throws(uint increment)
        => Assert.Throws<ArgumentOutOfRangeException>(() => FrameWriter.WriteCreditUpdate(_writer, 1, increment));

    [Theory]
    [InlineData(-1)]
    [InlineData(65536)]
    public void DataLength_OutOfRange_Throws(int length)
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => FrameWriter.WriteKeep(_writer, 1, length));
        Assert.Throws<ArgumentOutOfRangeException>(() => FrameWriter.WriteNew(_writer, 1, _tcp, 0, 0, length));
        Assert.Throws<ArgumentOutOfRangeException>(() => FrameWriter.WriteDatagram(_writer, 1, _udp, 0, length));
    }

    [Fact]
    public void Keep_OfTooMuchData_Throws()
        => Assert.Throws<ArgumentOutOfRangeException>(() => FrameWriter.WriteKeep(_writer, 1, new byte[65536]));

    [Fact]
    public void Datagram_WithItsAddress_FitsIntoOneFrame()
    {
        int most = FrameWriter.MaxDataLength - DatagramAddress.GetLength(_udp, 1);
        FrameWriter.WriteDatagram(_writer, 1, _udp, 1, most);
        Assert.Throws<ArgumentOutOfRangeException>(() => FrameWriter.WriteDatagram(_writer, 1, _udp, 1, most + 1));
    }

    [Fact]
    public void TcpDestination_WithDatagramFields_Throws()
    {
        Assert.Throws<ArgumentException>(() => FrameWriter.WriteNew(_writer, 1, _tcp, 0, globalId: 1));
        Assert.Throws<ArgumentException>(() => FrameWriter.WriteDatagram(_writer, 1, _tcp, 0, 1));
    }

    [Fact]
    public void RefusedFrame_WritesNothing()
    {
        Assert.Throws<ArgumentException>(() => FrameWriter.WriteNew(_writer, 1, _tcp, 0, 1, 5));
        Assert.Throws<ArgumentOutOfRangeException>(() => FrameWriter.WriteKeep(_writer, 1, new byte[65536]));
        Assert.Equal(0, _writer.WrittenCount);
    }
}
