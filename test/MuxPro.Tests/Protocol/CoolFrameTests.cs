using System.Buffers;
using CsCheck;
using MuxPro.Protocol;
using MuxPro.Tests.Support;

namespace MuxPro.Tests.Protocol;

/// <summary>Mux.Cool's frames (SPEC 9), byte by byte.</summary>
public sealed class CoolFrameTests
{
    private FrameReader _reader;
    private ReadOnlySequence<byte> _buffer;

    [Theory]
    [InlineData("tcp:1.2.3.4:80", "000c 0001 01 00 01 0050 01 01020304")]
    [InlineData("udp:1.2.3.4:53", "000c 0001 01 00 02 0035 01 01020304")]
    [InlineData("tcp:a.example:443", "0012 0001 01 00 01 01bb 02 09 612e6578616d706c65")]
    [InlineData("tcp:[2001:db8::1]:443", "0018 0001 01 00 01 01bb 03 20010db8000000000000000000000001")]
    public void New_HasNoPriority(string target, string bytes)
    {
        var destination = Destination.Parse(target);
        Assert.Equal(Hex(bytes), Convert.ToHexString(Wired.Written(writer => FrameWriter.WriteCoolNew(writer, 1, destination))));
        Frame frame = Read(bytes);
        Assert.Equal((FrameType.New, 1, false), (frame.Type, frame.Id, frame.HasFault));
        Assert.Equal(destination, frame.Destination);
    }

    [Theory]
    [InlineData(false, "0004 0007 03 00", ErrorCode.GracefulShutdown)]
    [InlineData(true, "0004 0007 03 02", ErrorCode.RemoteDisconnect)]
    public void End_SaysNoMoreThanWhetherItIsAnError(bool isError, string bytes, ErrorCode code)
    {
        Assert.Equal(Hex(bytes), Convert.ToHexString(Wired.Written(writer => FrameWriter.WriteCoolEnd(writer, 7, isError))));
        Assert.Equal((FrameType.End, code), (Read(bytes).Type, Read(bytes).ErrorCode));
    }

    [Theory]
    [InlineData("0004 0007 03 01 0003 616263")]
    [InlineData("0004 0000 04 01 0003 616263")]
    public void DataOfEndAndKeepAlive_IsDropped(string bytes)
    {
        var reader = new FrameReader { IsMuxCool = true };
        var buffer = new ReadOnlySequence<byte>(Convert.FromHexString(Hex(bytes) + Hex("0004 0009 02 01 0001 78")));
        Assert.Equal(FrameReadStatus.Frame, reader.TryRead(ref buffer, out _, out _));
        Assert.Equal(FrameReadStatus.Frame, reader.TryRead(ref buffer, out Frame next, out _));
        Assert.Equal((FrameType.Keep, 9, 1), (next.Type, next.Id, next.DataLength));
    }

    [Theory]
    [InlineData("0003 0001 01")] // metadata of less than its fixed part
    [InlineData("0201 0001 01 00")] // and of more than there can be
    [InlineData("0004 0000 00 01 0001 00")] // no negotiation
    [InlineData("0004 0001 05 01 0004 00000001")] // no credit
    [InlineData("0004 0001 06 00")]
    public void WhatIsNoFrame_IsMalformed(string bytes)
    {
        var reader = new FrameReader { IsMuxCool = true };
        var buffer = new ReadOnlySequence<byte>(Convert.FromHexString(Hex(bytes)));
        Assert.Equal(FrameReadStatus.Malformed, reader.TryReadHead(ref buffer, out _, out FrameError error));
        Assert.NotEqual("", error.ToString());
    }

    [Theory]
    [InlineData("000c 0001 01 00 03 0050 01 01020304")] // another network
    [InlineData("000c 0001 01 00 01 0050 09 01020304")] // another type of address
    [InlineData("000a 0001 01 00 01 0050 01 0102")] // cut off
    [InlineData("0004 0001 01 00")]
    public void NewThatCannotBeRead_FaultsAlone(string bytes) => Assert.True(Read(bytes).HasFault);

    [Fact]
    public void XraysFields_ArePassedOver()
    {
        // A GlobalID behind the address of New, and an address in Keep.
        Assert.Equal(Destination.Parse("udp:1.2.3.4:53"), Read("0014 0001 01 00 02 0035 01 01020304 1122334455667788").Destination);
        Frame keep = Read("000c 0001 02 01 02 0035 01 01020304 0001 78");
        Assert.Equal((FrameType.Keep, 1), (keep.Type, keep.DataLength));
    }

    [Fact]
    public void Frames_InPiecesOfAnySize_AreTheSame()
    {
        Gen<byte[]> frames = Gen.OneOf(
            Gen.Select(
                Gen.UShort, Gen.Byte.Array[0, 300], static (id, data) => Wired.Written(writer => FrameWriter.WriteKeep(writer, id, data))),
            Gen.Select(
                Gen.UShort, Gen.Bool, static (id, isError) => Wired.Written(writer => FrameWriter.WriteCoolEnd(writer, id, isError))),
            Gen.Select(Gen.UShort, Gen.Int[0, 65_535], static (id, port) => Wired.Written(
                writer => FrameWriter.WriteCoolNew(writer, id, Destination.Tcp("name.example", port)))));
        frames.Array[1, 20].Sample(all =>
        {
            byte[] bytes = [.. all.SelectMany(static frame => frame)];
            string whole = ReadAll(bytes, bytes.Length);
            for (int piece = 1; piece <= 9; piece++)
            {
                Assert.Equal(whole, ReadAll(bytes, piece));
            }
        });
    }

    /// <summary>Reads what has arrived each time that so many bytes more have.</summary>
    private static string ReadAll(byte[] bytes, int piece)
    {
        var reader = new FrameReader { IsMuxCool = true };
        var read = new List<string>();
        int start = 0;
        for (int arrived = Math.Min(piece, bytes.Length); ; arrived = Math.Min(arrived + piece, bytes.Length))
        {
            while (true)
            {
                var buffer = new ReadOnlySequence<byte>(bytes, start, arrived - start);
                FrameReadStatus status = reader.TryRead(ref buffer, out Frame frame, out _);
                start = arrived - (int)buffer.Length;
                if (status != FrameReadStatus.Frame)
                {
                    Assert.Equal(FrameReadStatus.NeedMoreData, status);
                    break;
                }

                read.Add($"{frame.Type} {frame.Id} {frame.Destination} {frame.ErrorCode} {Convert.ToHexString(frame.Data.ToArray())}");
            }

            if (arrived == bytes.Length)
            {
                Assert.Equal(arrived, start);
                return string.Join('\n', read);
            }
        }
    }

    private Frame Read(string bytes)
    {
        _reader = new FrameReader { IsMuxCool = true };
        _buffer = new ReadOnlySequence<byte>(Convert.FromHexString(Hex(bytes)));
        Assert.Equal(FrameReadStatus.Frame, _reader.TryRead(ref _buffer, out Frame frame, out _));
        Assert.True(_buffer.IsEmpty);
        return frame;
    }

    private static string Hex(string bytes) => bytes.Replace(" ", "", StringComparison.Ordinal).ToUpperInvariant();
}
