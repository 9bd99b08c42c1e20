using System.Net;
using MuxPro.Fuzz;
using MuxPro.Protocol;
using static MuxPro.Tests.Support.Wired;

namespace MuxPro.Tests.Protocol;

/// <summary>Each frame, byte by byte: as it is written, and as it reads in every shape.</summary>
public sealed class FrameTests
{
    private static readonly Destination Echo = Destination.Tcp(IPAddress.Loopback, 7);

    [Fact]
    public void NegotiateVersion_CountInData()
    {
        byte[] bytes = Bytes("0004 0000 00 01 | 0009 | 02 | 00000001 00000000");
        Assert.Equal(bytes, Written(writer => FrameWriter.WriteNegotiateVersion(writer, [ProtocolVersion.V0_1, ProtocolVersion.V0_0])));
        Reads(bytes, Negotiation("CountInData: MuxPro/0.1, MuxPro/0.0"));
    }

    [Fact]
    public void NegotiateVersion_CountInMetadata()
    {
        byte[] bytes = Bytes("0005 0000 00 01 02 | 0008 | 00000001 00000000");
        ProtocolVersion[] versions = [ProtocolVersion.V0_1, ProtocolVersion.V0_0];
        Assert.Equal(bytes, Written(writer => FrameWriter.WriteNegotiateVersion(writer, versions, NegotiationForm.CountInMetadata)));
        Reads(bytes, Negotiation("CountInMetadata: MuxPro/0.1, MuxPro/0.0"));
    }

    [Theory]
    [InlineData("0005 0000 00 01 01 | 0005 | 01 00000001", "CountInData: MuxPro/0.1")] // in both places
    [InlineData("0005 0000 00 01 02 | 0009 | 02 00000001 00000000", "CountInData: MuxPro/0.1, MuxPro/0.0")]
    [InlineData("0005 0000 00 01 01 | 0005 | 00000001 01", "CountInMetadata: MuxPro/0.1")] // a byte after the list
    [InlineData("0008 0000 00 01 01 aabbcc | 0004 | 00000001", "CountInMetadata: MuxPro/0.1")] // metadata beyond the count
    [InlineData("0004 0000 00 01 | 0005 | 01 00008001", "CountInData: MuxPro/0.32769")]
    [InlineData("0004 0000 00 fd | 0005 | 01 00000000", "CountInData: MuxPro/0.0", 0xfd)] // options that are not known
    public void NegotiateVersion_OtherForms(string hex, string versions, byte options = 1)
        => Reads(Bytes(hex), Negotiation(versions) with { Options = (FrameOptions)options });

    [Fact]
    public void NegotiateVersion_BytesAfterTheList_AreNeitherReadNorWaitedFor()
    {
        byte[] head = Bytes("0004 0000 00 01 | 0105 | 01 00000000");
        Reads(head, Negotiation("CountInData: MuxPro/0.0"));
        byte[] withTheRest = [.. head, .. new byte[256], .. Bytes("0004 0000 04 00")];
        Reads(withTheRest, Negotiation("CountInData: MuxPro/0.0"), new FrameSnapshot(FrameType.KeepAlive, 0));
    }

    [Fact]
    public void NegotiateVersion_Of255Versions()
    {
        ProtocolVersion[] versions = [.. Enumerable.Range(0, 255).Select(i => ProtocolVersion.FromValue((uint)i))];
        byte[] bytes = Written(writer => FrameWriter.WriteNegotiateVersion(writer, versions));
        FrameTranscript read = FrameTranscript.Read([bytes], wholeFrames: true);
        Assert.Equal($"CountInData: {string.Join(", ", versions)}", Assert.Single(read.Frames).Versions);
    }

    [Fact]
    public void New_IPv4_WithData()
    {
        byte[] bytes = Bytes("000d 0001 01 01 | 01 80 0007 01 7f000001 | 0005 68656c6c6f");
        Assert.Equal(bytes[..17], Written(writer => FrameWriter.WriteNew(writer, 1, Echo, 0x80, 0, 5)));
        Reads(bytes, new FrameSnapshot(FrameType.New, 1, FrameOptions.Data, Echo, 0x80, Data: "68656c6c6f"));
    }

    [Fact]
    public void New_IPv4_WithoutData()
    {
        byte[] bytes = Bytes("000d ffff 01 00 | 01 00 0007 01 7f000001");
        Assert.Equal(bytes, Written(writer => FrameWriter.WriteNew(writer, 0xffff, Echo, 0)));
        Reads(bytes, new FrameSnapshot(FrameType.New, 0xffff, FrameOptions.None, Echo));
    }

    [Fact]
    public void New_Domain()
    {
        byte[] bytes = Bytes("0013 0001 01 00 | 01 ff 2537 02 09 6c6f63616c686f7374");
        var destination = Destination.Tcp("localhost", 9527);
        Assert.Equal(bytes, Written(writer => FrameWriter.WriteNew(writer, 1, destination, 255)));
        Reads(bytes, new FrameSnapshot(FrameType.New, 1, FrameOptions.None, destination, 255));
    }

    [Fact]
    public void New_SpecialAddress_ReadsAsAnyOther()
        => Reads(
            Written(writer => FrameWriter.WriteNew(writer, 1, Destination.MuxPro, 0)),
            new FrameSnapshot(FrameType.New, 1, FrameOptions.None, Destination.MuxPro));

    [Fact]
    public void New_LongestDomain()
    {
        var destination = Destination.Udp(new string('a', 255), 65535);
        byte[] bytes = Written(writer => FrameWriter.WriteNew(writer, 1, destination, 0, ulong.MaxValue, 0));
        Assert.Equal(FrameWriter.MaxHeadLength, bytes.Length);
        Reads(bytes, new FrameSnapshot(FrameType.New, 1, FrameOptions.Data, destination, 0, ulong.MaxValue));
    }

    [Fact]
    public void New_IPv6()
    {
        byte[] bytes = Bytes("0019 0001 01 00 | 01 00 0050 03 00000000000000000000000000000001");
        var destination = Destination.Tcp(IPAddress.IPv6Loopback, 80);
        Assert.Equal(bytes, Written(writer => FrameWriter.WriteNew(writer, 1, destination, 0)));
        Reads(bytes, new FrameSnapshot(FrameType.New, 1, FrameOptions.None, destination));
    }

    [Fact]
    public void New_UdpWithGlobalId()
    {
        byte[] bytes = Bytes("0015 0001 01 01 | 02 00 c517 01 7f000001 32538a8c520f2e57 | 0002 6869");
        var destination = Destination.Udp(IPAddress.Loopback, 0xc517);
        Assert.Equal(bytes[..25], Written(writer => FrameWriter.WriteNew(writer, 1, destination, 0, 0x32538a8c520f2e57, 2)));
        Reads(bytes, new FrameSnapshot(FrameType.New, 1, FrameOptions.Data, destination, 0, 0x32538a8c520f2e57, Data: "6869"));
    }

    [Theory]
    [InlineData("0014 0001 01 00 | 02 00 0007 01 7f000001 01020304050607", "udp:127.0.0.1:7", 0ul)] // 7 bytes are no GlobalID
    [InlineData("0015 0001 01 00 | 02 00 0007 01 7f000001 0000000000000000", "udp:127.0.0.1:7", 0ul)]
    [InlineData("0017 0001 01 00 | 02 00 0007 01 7f000001 0000000000000001 ffff", "udp:127.0.0.1:7", 1ul)]
    [InlineData("0015 0001 01 00 | 01 00 0007 01 7f000001 0102030405060708", "tcp:127.0.0.1:7", 0ul)] // TCP has none
    [InlineData("0013 0001 01 00 | 01 00 0007 02 09 3132372e302e302e31", "tcp:127.0.0.1:7", 0ul)] // a domain that is an address
    [InlineData("000d 0001 01 00 | 01 00 0007 02 03 3a3a31", "tcp:[::1]:7", 0ul)]
    [InlineData("000b 0001 01 00 | 01 00 0007 02 01 61", "tcp:a:7", 0ul)]
    public void New_AfterAndInsideTheAddress(string hex, string destination, ulong globalId)
        => Reads(Bytes(hex), new FrameSnapshot(FrameType.New, 1, FrameOptions.None, Destination.Parse(destination), 0, globalId));

    [Fact]
    public void New_OfLongestMetadata_IgnoresTheRest()
        => Reads(
            [.. Bytes("0200 0001 01 01 | 01 00 0007 01 7f000001"), .. new byte[512 - 13], .. Bytes("0001 61")],
            new FrameSnapshot(FrameType.New, 1, FrameOptions.Data, Echo, Data: "61"));

    [Fact]
    public void Keep_WithData()
    {
        byte[] bytes = Bytes("0004 1234 02 01 | 0003 616263");
        Assert.Equal(bytes, Written(writer => FrameWriter.WriteKeep(writer, 0x1234, "abc"u8)));
        Assert.Equal(bytes[..8], Written(writer => FrameWriter.WriteKeep(writer, 0x1234, 3)));
        Reads(bytes, new FrameSnapshot(FrameType.Keep, 0x1234, FrameOptions.Data, Data: "616263"));
    }

    [Theory]
    [InlineData("0004 0001 02 00", 0, "")] // without data
    [InlineData("0004 0001 02 01 | 0000", 1, "")] // an empty payload is not the same
    [InlineData("0004 0001 02 fc", 0xfc, "")] // options that are not known
    [InlineData("0008 0001 02 01 aabbccdd | 0001 61", 1, "61")] // metadata beyond the known
    public void Keep_OtherForms(string hex, byte options, string data)
        => Reads(Bytes(hex), new FrameSnapshot(FrameType.Keep, 1, (FrameOptions)options, Data: data));

    [Fact]
    public void Keep_OfMostData()
    {
        byte[] data = new byte[FrameWriter.MaxDataLength];
        Random.Shared.NextBytes(data);
        byte[] bytes = Written(writer => FrameWriter.WriteKeep(writer, 1, data));
        var expected = new FrameSnapshot(FrameType.Keep, 1, FrameOptions.Data, Data: Convert.ToHexStringLower(data));
        foreach (int size in (int[])[4096, 4097, 65536, int.MaxValue])
        {
            Memory<byte>[] chunks = [.. bytes.Chunk(size).Select(chunk => chunk.AsMemory())];
            Assert.Equal(expected, Assert.Single(FrameTranscript.Read(chunks, wholeFrames: true).Frames));
            Assert.Equal(expected, Assert.Single(FrameTranscript.Read(chunks, wholeFrames: false).Frames));
        }
    }

    [Fact]
    public void Keep_Datagram()
    {
        byte[] bytes = Bytes("0004 0001 02 03 | 000a | 02 0035 01 08080808 | 6869");
        Assert.Equal(bytes[..16], Written(writer => FrameWriter.WriteDatagram(writer, 1, Destination.Udp("8.8.8.8", 53), 0, 2)));
        Reads(bytes, new FrameSnapshot(FrameType.Keep, 1, FrameOptions.Data | FrameOptions.UdpAddress, Data: "02003501080808086869"));
    }

    [Fact]
    public void End_Graceful()
    {
        byte[] bytes = Bytes("0004 0001 03 00");
        Assert.Equal(bytes, Written(writer => FrameWriter.WriteEnd(writer, 1, ErrorCode.GracefulShutdown)));
        Reads(bytes, new FrameSnapshot(FrameType.End, 1));
    }

    [Theory]
    [InlineData(1, "0001")]
    [InlineData(3, "0003")]
    [InlineData(6, "0006")]
    [InlineData(0xfffe, "fffe")]
    public void End_WithCode(ushort code, string hex)
    {
        byte[] bytes = Bytes($"0006 0001 03 01 {hex} | 0000");
        Assert.Equal(bytes, Written(writer => FrameWriter.WriteEnd(writer, 1, (ErrorCode)code)));
        var end = new FrameSnapshot(FrameType.End, 1, FrameOptions.Data, ErrorCode: (ErrorCode)code);
        Reads(bytes, end);
        Reads(bytes[..^2], end);
    }

    [Theory]
    [InlineData("0004 0001 03 01", 1, 0)] // D without a code
    [InlineData("0005 0001 03 01 03", 1, 0)] // half a code is none
    [InlineData("0006 0001 03 00 0003", 0, 0)] // a code without D is none
    [InlineData("0006 0001 03 01 0000", 1, 0)]
    [InlineData("0008 0001 03 03 0002 ffff", 3, 2)]
    public void End_OtherForms(string hex, byte options, ushort code)
    {
        var end = new FrameSnapshot(FrameType.End, 1, (FrameOptions)options, ErrorCode: (ErrorCode)code);
        Reads(Bytes(hex), end);
        Reads(Bytes($"{hex} 0004 0000 04 00"), end, new FrameSnapshot(FrameType.KeepAlive, 0));
        if ((options & 1) != 0)
        {
            Reads(Bytes($"{hex} 0000 0004 0000 04 00"), end, new FrameSnapshot(FrameType.KeepAlive, 0));
        }
    }

    [Fact]
    public void End_WithCode_TwiceWithoutEmptyData_AsThePrototypeDoes()
    {
        var end = new FrameSnapshot(FrameType.End, 1, FrameOptions.Data, ErrorCode: ErrorCode.ProtocolError);
        var keep = new FrameSnapshot(FrameType.Keep, 2, FrameOptions.Data, Data: "61");
        Reads(Bytes("0006 0001 03 01 0003 | 0006 0001 03 01 0003 | 0004 0002 02 01 0001 61"), end, end, keep);
        Reads(Bytes("0006 0001 03 01 0003 | 0000 | 0006 0001 03 01 0003 | 0000"), end, end);
    }

    [Fact]
    public void KeepAlive()
    {
        byte[] bytes = Bytes("0004 0009 04 00");
        Assert.Equal(bytes, Written(writer => FrameWriter.WriteKeepAlive(writer, 9)));
        Reads(bytes, new FrameSnapshot(FrameType.KeepAlive, 9));
    }

    [Fact]
    public void CreditUpdate()
    {
        byte[] bytes = Bytes("0004 0001 05 01 | 0004 00010000");
        Assert.Equal(bytes, Written(writer => FrameWriter.WriteCreditUpdate(writer, 1, 65536)));
        Reads(bytes, new FrameSnapshot(FrameType.CreditUpdate, 1, FrameOptions.Data, Credit: 65536));
    }

    [Theory]
    [InlineData("0004 0001 05 01 | 0002 8000", 0x8000u)]
    [InlineData("0006 0001 05 01 aabb | 0004 ffffffff", uint.MaxValue)]
    public void CreditUpdate_OtherForms(string hex, uint credit)
        => Reads(Bytes(hex), new FrameSnapshot(FrameType.CreditUpdate, 1, FrameOptions.Data, Credit: credit));

    private static FrameSnapshot Negotiation(string versions) => new(FrameType.NegotiateVersion, 0, FrameOptions.Data, Versions: versions);
}
