using System.Buffers;
using MuxPro.Fuzz;
using MuxPro.Protocol;
using MuxPro.Tests.Support;
using static MuxPro.Tests.Support.Wired;

namespace MuxPro.Tests.Protocol;

/// <summary>What is refused, with its cause, field and section: at once, and without losing more than it must.</summary>
public sealed class BrokenFrameTests
{
    // Each ends at the byte that decides: no byte more is waited for.
    [Theory]
    [InlineData("0000", FrameErrorKind.MetadataTooShort, 0, "metadata length", "6")]
    [InlineData("0003", FrameErrorKind.MetadataTooShort, 3, "metadata length", "6")]
    [InlineData("0201", FrameErrorKind.MetadataTooLong, 513, "metadata length", "6")]
    [InlineData("0258", FrameErrorKind.MetadataTooLong, 600, "metadata length", "6")]
    [InlineData("ffff", FrameErrorKind.MetadataTooLong, 65535, "metadata length", "6")]
    [InlineData("0004 0001 06 01", FrameErrorKind.UnknownState, 6, "state", "6")]
    [InlineData("0200 0001 ff 00", FrameErrorKind.UnknownState, 255, "state", "6")]
    [InlineData("0004 0001 00 01", FrameErrorKind.NegotiationId, 1, "id", "6.3.1")]
    [InlineData("0004 0000 00 00", FrameErrorKind.NegotiationWithoutData, 0, "options", "6.3.1")]
    [InlineData("0005 0000 00 02", FrameErrorKind.NegotiationWithoutData, 2, "options", "6.3.1")]
    [InlineData("0004 0000 00 01 0000", FrameErrorKind.NegotiationLength, 0, "extra data length", "6.3.1")]
    [InlineData("0004 0000 00 01 0004 01", FrameErrorKind.NegotiationLength, 4, "extra data length", "6.3.1")]
    [InlineData("0004 0000 00 01 0008 02", FrameErrorKind.NegotiationLength, 8, "extra data length", "6.3.1")]
    [InlineData("0004 0000 00 01 0005 00", FrameErrorKind.NegotiationEmpty, 0, "version count", "6.3.1")]
    [InlineData("0005 0000 00 01 00 0005", FrameErrorKind.NegotiationEmpty, 0, "version count", "6.3.1")]
    [InlineData("0005 0000 00 01 01 0003", FrameErrorKind.NegotiationLength, 3, "extra data length", "6.3.1")]
    [InlineData("0005 0000 00 01 02 0005", FrameErrorKind.NegotiationLength, 5, "extra data length", "6.3.1")]
    [InlineData("0005 0000 00 01 01 0000", FrameErrorKind.NegotiationLength, 0, "extra data length", "6.3.1")]
    [InlineData("0004 0000 04 01", FrameErrorKind.KeepAliveOptions, 1, "options", "6.3.5")]
    [InlineData("000c 0000 04 10", FrameErrorKind.KeepAliveOptions, 16, "options", "6.3.5")]
    [InlineData("0005 0000 04 00", FrameErrorKind.KeepAliveLength, 5, "metadata length", "6.3.5")]
    public void Malformed(string hex, FrameErrorKind kind, int value, string field, string section)
    {
        var error = new FrameError(kind, value);
        Refuses(Bytes(hex), error);
        Assert.Equal(field, error.Field);
        Assert.Equal(section, error.Section);
        Assert.Equal($"SPEC {section}: {field}: {error.Message}", error.ToString());
    }

    [Theory]
    [InlineData("0004 0001 01 00", FrameErrorKind.AddressTruncated, 0, 0, "address", "6.3.2")]
    [InlineData("0005 0001 01 00 01", FrameErrorKind.AddressTruncated, 0, 0, "address", "6.3.2")]
    [InlineData("0006 0001 01 00 01 07", FrameErrorKind.AddressTruncated, 0, 7, "address", "6.3.2")]
    [InlineData("0008 0001 01 00 01 07 0050", FrameErrorKind.AddressTruncated, 2, 7, "address", "6.3.2")]
    [InlineData("000c 0001 01 00 01 07 0050 01 7f0000", FrameErrorKind.AddressTruncated, 6, 7, "address", "6.3.2")]
    [InlineData("000d 0001 01 00 01 07 0050 03 7f000001", FrameErrorKind.AddressTruncated, 7, 7, "address", "6.3.2")]
    [InlineData("0009 0001 01 00 01 07 0050 02", FrameErrorKind.AddressTruncated, 3, 7, "address", "6.3.2")]
    [InlineData("000c 0001 01 00 01 07 0050 02 03 6161", FrameErrorKind.AddressTruncated, 6, 7, "address", "6.3.2")]
    [InlineData("000d 0001 01 00 00 07 0050 01 7f000001", FrameErrorKind.UnknownNetwork, 0, 7, "network", "6.3.2")]
    [InlineData("0005 0001 01 00 03", FrameErrorKind.UnknownNetwork, 3, 0, "network", "6.3.2")]
    [InlineData("0009 0001 01 00 01 07 0050 00", FrameErrorKind.UnknownAddressType, 0, 7, "address type", "6.3.2")]
    [InlineData("000d 0001 01 00 02 07 0050 04 7f000001", FrameErrorKind.UnknownAddressType, 4, 7, "address type", "6.3.2")]
    [InlineData("000a 0001 01 00 01 07 0050 02 00", FrameErrorKind.DomainEmpty, 0, 7, "domain", "6.3.2")]
    [InlineData("000d 0001 01 00 01 07 0050 02 03 612062", FrameErrorKind.DomainCharacter, 0x20, 7, "domain", "6.3.2")]
    [InlineData("000c 0001 01 00 01 07 0050 02 02 61c3", FrameErrorKind.DomainCharacter, 0xc3, 7, "domain", "6.3.2")]
    [InlineData("000c 0001 01 00 01 07 0050 02 02 6100", FrameErrorKind.DomainCharacter, 0, 7, "domain", "6.3.2")]
    [InlineData("000f 0001 01 00 01 07 0050 02 05 5b3a3a315d", FrameErrorKind.DomainCharacter, 0x5b, 7, "domain", "6.3.2")] // [::1]
    [InlineData("000f 0001 01 00 01 07 0050 02 05 3a3a312531", FrameErrorKind.DomainCharacter, 0x3a, 7, "domain", "6.3.2")] // ::1%1
    [InlineData("000d 0001 01 00 01 07 0050 02 03 3a3a3a", FrameErrorKind.DomainCharacter, 0x3a, 7, "domain", "6.3.2")]
    public void New_Fault_KeepsIdAndPayload(string hex, FrameErrorKind kind, int value, byte priority, string field, string section)
    {
        var fault = new FrameError(kind, value);
        var frame = new FrameSnapshot(FrameType.New, 1, FrameOptions.None, Priority: priority, Fault: fault);
        Reads(Bytes(hex), frame);
        Assert.Equal(field, fault.Field);
        Assert.Equal(section, fault.Section);

        byte[] withData = [.. Bytes(hex), .. Bytes("0003 616263"), .. Bytes("0004 0000 04 00")];
        withData[5] = 1;
        Reads(withData, frame with { Options = FrameOptions.Data, Data = "616263" }, new FrameSnapshot(FrameType.KeepAlive, 0));
    }

    [Theory]
    [InlineData("0004 0001 05 00", 0, FrameErrorKind.CreditWithoutData, 0, "options")]
    [InlineData("0004 0001 05 02", 2, FrameErrorKind.CreditWithoutData, 2, "options")]
    [InlineData("0004 0001 05 01 0000", 1, FrameErrorKind.CreditLength, 0, "extra data length")]
    [InlineData("0004 0001 05 01 0001 01", 1, FrameErrorKind.CreditLength, 1, "extra data length")]
    [InlineData("0004 0001 05 01 0003 010203", 1, FrameErrorKind.CreditLength, 3, "extra data length")]
    [InlineData("0004 0001 05 01 0008 0102030405060708", 1, FrameErrorKind.CreditLength, 8, "extra data length")]
    [InlineData("0004 0001 05 01 0004 00000000", 1, FrameErrorKind.CreditZero, 0, "increment")]
    [InlineData("0004 0001 05 01 0002 0000", 1, FrameErrorKind.CreditZero, 0, "increment")]
    public void CreditUpdate_Fault_KeepsTheFrameBoundary(string hex, byte options, FrameErrorKind kind, int value, string field)
    {
        var fault = new FrameError(kind, value);
        var frame = new FrameSnapshot(FrameType.CreditUpdate, 1, (FrameOptions)options, Fault: fault);
        Reads(Bytes(hex), frame);
        Reads(Bytes($"{hex} 0004 0000 04 00"), frame, new FrameSnapshot(FrameType.KeepAlive, 0));
        Assert.Equal(field, fault.Field);
        Assert.Equal("6.3.6", fault.Section);
    }

    [Fact]
    public void CreditUpdate_OfWrongLength_IsNotWaitedFor()
        => Reads(
            Bytes("0004 0001 05 01 ffff 00"),
            new FrameSnapshot(FrameType.CreditUpdate, 1, FrameOptions.Data, Fault: new FrameError(FrameErrorKind.CreditLength, 65535)));

    [Theory]
    [InlineData("0004 0001 03 00")] // no D, so no Extra Data
    [InlineData("0006 0001 03 01 0001 0000")] // only one
    [InlineData("0004 0001 02 01 0000")]
    [InlineData("0004 0000 04 00")]
    public void EmptyData_ElsewhereThanAfterEndWithD_IsMalformed(string hex)
    {
        FrameTranscript transcript = FrameTranscript.Read([Bytes(hex + "0000")], wholeFrames: true);
        Reads(Bytes(hex + "0000"), transcript);
        Assert.Single(transcript.Frames);
        Assert.Equal(new FrameError(FrameErrorKind.MetadataTooShort, 0), transcript.Error);
    }

    [Fact]
    public void EmptyData_AfterAnotherFrame_IsMalformed()
    {
        FrameTranscript transcript = FrameTranscript.Read([Bytes("0006 0001 03 01 0001 | 0004 0000 04 00 | 0000")], wholeFrames: true);
        Assert.Equal(2, transcript.Frames.Count);
        Assert.Equal(new FrameError(FrameErrorKind.MetadataTooShort, 0), transcript.Error);
    }

    [Theory]
    [InlineData("0004 0000 00 01 0009 02 00000001 00000000")]
    [InlineData("0013 0001 01 01 01 00 9e69 02 09 6c6f63616c686f7374 0005 68656c6c6f")]
    [InlineData("0004 0001 02 01 0003 616263")]
    [InlineData("0006 0001 03 01 0003")]
    [InlineData("0004 0000 04 00")]
    [InlineData("0004 0001 05 01 0004 00010000")]
    public void PartOfAFrame_NeedsMoreData_AndTakesNothing(string hex)
    {
        byte[] bytes = Bytes(hex);
        for (int length = 0; length < bytes.Length; length++)
        {
            foreach (ReadOnlySequence<byte> fragment in Fragments.Of(bytes[..length]))
            {
                var reader = new FrameReader();
                ReadOnlySequence<byte> buffer = fragment;
                Assert.Equal(FrameReadStatus.NeedMoreData, reader.TryRead(ref buffer, out Frame frame, out FrameError error));
                Assert.Equal(length, buffer.Length);
                Assert.Equal(default, error);
                Assert.False(frame.HasData);
            }
        }
    }

    [Fact]
    public void Malformed_TakesNothing_AndStaysMalformed()
    {
        var reader = new FrameReader();
        var buffer = new ReadOnlySequence<byte>(Bytes("0258 0001"));
        for (int i = 0; i < 2; i++)
        {
            Assert.Equal(FrameReadStatus.Malformed, reader.TryReadHead(ref buffer, out _, out FrameError error));
            Assert.Equal("SPEC 6: metadata length: 600 is more than 512.", error.ToString());
            Assert.Equal(4, buffer.Length);
        }
    }

    [Fact]
    public void EveryKindOfError_HasWords()
    {
        foreach (FrameErrorKind kind in Enum.GetValues<FrameErrorKind>().Where(kind => kind != FrameErrorKind.None))
        {
            var error = new FrameError(kind, 77);
            Assert.NotEqual("frame", error.Field);
            Assert.Matches(@"^(6|6\.3\.[1-6]|7\.2)$", error.Section);
            Assert.EndsWith(".", error.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("at fault", error.Message, StringComparison.Ordinal);
        }

        Assert.Equal("", default(FrameError).ToString());
    }
}
