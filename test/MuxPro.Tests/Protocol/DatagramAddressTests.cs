using System.Buffers;
using MuxPro.Protocol;
using MuxPro.Tests.Support;
using static MuxPro.Tests.Support.Wired;

namespace MuxPro.Tests.Protocol;

public sealed class DatagramAddressTests
{
    [Theory]
    [InlineData("02 0035 01 08080808 | 6869", false, "udp:8.8.8.8:53", 0ul, 8)]
    [InlineData("02 0035 01 08080808", false, "udp:8.8.8.8:53", 0ul, 8)] // an empty datagram
    [InlineData("02 0035 01 08080808 32538a8c520f2e57 | 6869", true, "udp:8.8.8.8:53", 0x32538a8c520f2e57ul, 16)]
    [InlineData("02 0035 01 08080808 | 32538a8c520f2e57", false, "udp:8.8.8.8:53", 0ul, 8)] // the New had none, so it is datagram
    [InlineData("02 0035 03 00000000000000000000000000000001 | 00", false, "udp:[::1]:53", 0ul, 20)]
    [InlineData("02 0035 02 01 61 | ff", false, "udp:a:53", 0ul, 6)]
    public void Read(string hex, bool hasGlobalId, string destination, ulong globalId, int length)
    {
        foreach (ReadOnlySequence<byte> payload in Fragments.Of(Bytes(hex)))
        {
            Assert.True(DatagramAddress.TryRead(payload, hasGlobalId, out DatagramAddress address, out FrameError fault));
            Assert.Equal(new DatagramAddress(Destination.Parse(destination), globalId, length), address);
            Assert.Equal(default, fault);
            Assert.Equal(length, DatagramAddress.GetLength(address.Destination, globalId));
        }
    }

    [Theory]
    [InlineData("", false, FrameErrorKind.DatagramTruncated, 0, "address", "7.2")]
    [InlineData("01 0035 01 08080808", false, FrameErrorKind.DatagramNetwork, 1, "network", "7.2")]
    [InlineData("02 00", false, FrameErrorKind.DatagramTruncated, 2, "address", "7.2")]
    [InlineData("02 0035 01 080808", false, FrameErrorKind.DatagramTruncated, 7, "address", "7.2")]
    [InlineData("02 0035 01 08080808 32538a8c520f2e", true, FrameErrorKind.DatagramTruncated, 15, "address", "7.2")]
    [InlineData("02 0035 05 08080808", false, FrameErrorKind.UnknownAddressType, 5, "address type", "6.3.2")]
    [InlineData("02 0035 02 00 61", false, FrameErrorKind.DomainEmpty, 0, "domain", "6.3.2")]
    [InlineData("02 0035 02 02 612f", false, FrameErrorKind.DomainCharacter, 0x2f, "domain", "6.3.2")]
    public void Refused(string hex, bool hasGlobalId, FrameErrorKind kind, int value, string field, string section)
    {
        foreach (ReadOnlySequence<byte> payload in Fragments.Of(Bytes(hex)))
        {
            Assert.False(DatagramAddress.TryRead(payload, hasGlobalId, out DatagramAddress address, out FrameError fault));
            Assert.Equal(default, address);
            Assert.Equal(new FrameError(kind, value), fault);
            Assert.Equal(field, fault.Field);
            Assert.Equal(section, fault.Section);
        }
    }

    [Fact]
    public void Read_LongestAddressBeforeALongDatagram()
    {
        var destination = Destination.Udp(new string('a', 255), 53);
        byte[] head = Written(writer => FrameWriter.WriteDatagram(writer, 1, destination, 1, 60000));
        Assert.Equal(8 + DatagramAddress.MaxLength, head.Length);
        byte[] payload = [.. head[8..], .. new byte[60000]];
        Memory<byte>[] parts = [.. payload.Chunk(100).Select(part => part.AsMemory())];
        Assert.True(DatagramAddress.TryRead(Fuzz.ByteSegments.Join(parts), true, out DatagramAddress address, out _));
        Assert.Equal(new DatagramAddress(destination, 1, DatagramAddress.MaxLength), address);
    }
}
