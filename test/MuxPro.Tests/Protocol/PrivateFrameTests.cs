using System.Buffers;
using MuxPro.Fuzz;
using MuxPro.Protocol;
using static MuxPro.Tests.Support.Wired;

namespace MuxPro.Tests.Protocol;

/// <summary>The frames that only the private version has (SPEC 8), byte by byte.</summary>
public sealed class PrivateFrameTests
{
    [Fact]
    public void Opened()
    {
        byte[] bytes = Bytes("0004 0007 02 20");
        Assert.Equal(bytes, Written(writer => FrameWriter.WriteOpened(writer, 7)));
        ReadsPrivately(bytes, new FrameSnapshot(FrameType.Keep, 7, FrameOptions.Opened));
    }

    [Fact]
    public void PingAndPong()
    {
        byte[] ping = Bytes("000c 0000 04 10 0123456789abcdef");
        byte[] pong = Bytes("000c 0000 04 20 0123456789abcdef");
        Assert.Equal(ping, Written(writer => FrameWriter.WritePing(writer, 0x0123456789abcdef)));
        Assert.Equal(pong, Written(writer => FrameWriter.WritePong(writer, 0x0123456789abcdef)));
        ReadsPrivately(
            [.. ping, .. pong],
            new FrameSnapshot(FrameType.KeepAlive, 0, FrameOptions.Ping, Token: 0x0123456789abcdef),
            new FrameSnapshot(FrameType.KeepAlive, 0, FrameOptions.Pong, Token: 0x0123456789abcdef));
        ReadsPrivately(
            Bytes("000e 0000 04 10 0123456789abcdef ffff"),
            new FrameSnapshot(FrameType.KeepAlive, 0, FrameOptions.Ping, Token: 0x0123456789abcdef));
        ReadsPrivately(Bytes("0006 0000 04 00 ffff"), new FrameSnapshot(FrameType.KeepAlive, 0));
    }

    [Fact]
    public void GoAway()
    {
        byte[] bytes = Bytes("0004 0102 06 01 0005 0004 627965");
        Assert.Equal(bytes, Written(writer => FrameWriter.WriteGoAway(writer, 0x0102, ErrorCode.ResourceExhaustion, "bye")));
        ReadsPrivately(
            bytes, new FrameSnapshot(FrameType.GoAway, 0x0102, FrameOptions.Data, ErrorCode: ErrorCode.ResourceExhaustion, Data: "627965"));
    }

    [Fact]
    public void GoAway_LongText_IsCutBetweenCharacters()
    {
        byte[] bytes = Written(writer => FrameWriter.WriteGoAway(writer, 1, ErrorCode.GracefulShutdown, "x" + new string('é', 200)));
        Assert.Equal(10 + 255, bytes.Length);
        byte[] longer = [.. Bytes("0004 0001 06 01 0132 0000"), .. Enumerable.Repeat((byte)'a', 0x130), .. Bytes("0004 0000 04 00")];
        ReadsPrivately(
            longer,
            new FrameSnapshot(FrameType.GoAway, 1, FrameOptions.Data, Data: string.Concat(Enumerable.Repeat("61", 255))),
            new FrameSnapshot(FrameType.KeepAlive, 0));
    }

    [Fact]
    public void End_WithADetail()
    {
        byte[] bytes = Bytes("0007 0001 03 01 0005 02 0000");
        Assert.Equal(
            bytes, Written(writer => FrameWriter.WriteEnd(writer, 1, ErrorCode.DestinationUnreachable, FailureDetail.NameNotFound)));
        var end = new FrameSnapshot(FrameType.End, 1, FrameOptions.Data, ErrorCode: ErrorCode.DestinationUnreachable);
        ReadsPrivately(
            [.. bytes, .. bytes], end with { Detail = FailureDetail.NameNotFound }, end with { Detail = FailureDetail.NameNotFound });
        Reads([.. bytes, .. bytes], end, end);
    }

    [Fact]
    public void Limits()
    {
        byte[] bytes = Bytes("0004 0000 05 01 000f 01 0000000a 02 00020000 03 00000800");
        var limits = new PeerLimits { MaxSessions = 10, InitialWindow = 131_072, MaxDatagram = 2048 };
        Assert.Equal(bytes, Written(writer => FrameWriter.WriteLimits(writer, limits)));
        ReadsPrivately(bytes, new FrameSnapshot(FrameType.CreditUpdate, 0, FrameOptions.Data, Data: "010000000a02000200000300000800"));
        Assert.Equal(limits, PeerLimits.Read(new ReadOnlySequence<byte>(bytes, 8, 15)));
        Assert.Equal(Bytes("0004 0000 05 01 0000"), Written(writer => FrameWriter.WriteLimits(writer, new PeerLimits())));
    }

    [Theory]
    [InlineData("", 65_535, 65_536, 65_507)]
    [InlineData("01 00000000", 0, 65_536, 65_507)]
    [InlineData("01 ffffffff 03 ffffffff", 65_535, 65_536, 65_507)]
    [InlineData("02 00000001", 65_535, 65_536, 65_507)]
    [InlineData("02 ffffffff", 65_535, int.MaxValue, 65_507)]
    [InlineData("77 00000001 01 00000005 03 000000", 5, 65_536, 65_507)]
    [InlineData("01 00000005 01 00000006", 6, 65_536, 65_507)]
    public void Limits_OfAnyKind(string list, int sessions, int window, int datagram) => Assert.Equal(
        new PeerLimits { MaxSessions = sessions, InitialWindow = window, MaxDatagram = datagram },
        PeerLimits.Read(new ReadOnlySequence<byte>(Bytes(list))));

    [Theory]
    [InlineData("000c 0000 04 10", FrameErrorKind.KeepAliveOptions, 0x10)]
    [InlineData("0004 0001 06 01", FrameErrorKind.UnknownState, 6)]
    public void BeforeThePrivateVersion_TheyAreMalformed(string head, FrameErrorKind kind, int value)
        => Refuses(Bytes(head), new FrameError(kind, value));
}
