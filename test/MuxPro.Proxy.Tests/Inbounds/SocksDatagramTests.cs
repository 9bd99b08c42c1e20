using CsCheck;
using MuxPro.Proxy.Socks;

namespace MuxPro.Proxy.Tests.Inbounds;

public sealed class SocksDatagramTests
{
    [Theory]
    [InlineData("000000 01 7f000001 0035", "udp:127.0.0.1:53")]
    [InlineData("000000 04 20010db8000000000000000000000001 01bb", "udp:[2001:db8::1]:443")]
    [InlineData("000000 03 0b 6578616d706c652e636f6d 0050", "udp:example.com:80")]
    [InlineData("000000 03 09 3132372e302e302e31 0001", "udp:127.0.0.1:1")]
    public void Head_AnyLength_WholeOrNothing(string hex, string expected)
    {
        byte[] head = Bytes(hex);
        for (int length = 0; length < head.Length; length++)
        {
            Assert.Equal(0, SocksDatagram.MeasureHead(head.AsSpan(0, length)));
        }

        Assert.Equal(head.Length, SocksDatagram.MeasureHead(head));
        Assert.Equal(head.Length, SocksDatagram.MeasureHead([.. head, 1, 2, 3]));
        var destinations = SocksAddress.NewRecentAddresses();
        Destination first = destinations.Find(head.AsSpan(SocksDatagram.Prefix))!;
        Assert.Equal(expected, first.ToString());
        Assert.Same(first, destinations.Find(head.AsSpan(SocksDatagram.Prefix)));
    }

    [Theory]
    [InlineData("000001 01 7f000001 0035 aa")] // the first fragment
    [InlineData("000080 01 7f000001 0035 aa")] // the last one
    [InlineData("010000 01 7f000001 0035 aa")] // reserved
    [InlineData("000100 01 7f000001 0035 aa")]
    [InlineData("000000 02 7f000001 0035 aa")] // no such type
    [InlineData("000000 03 ff 6161 0035")] // a domain that runs out
    public void Head_NotCarried(string hex) => Assert.Equal(0, SocksDatagram.MeasureHead(Bytes(hex)));

    [Theory]
    [InlineData("03 00 0035")]
    [InlineData("03 03 612062 0035")]
    [InlineData("03 03 61ff62 0035")]
    public void Domain_ThatIsNone(string hex) => Assert.Null(SocksAddress.NewRecentAddresses().Find(Bytes(hex)));

    [Fact]
    public void Any_ReadsWhatWasWritten()
    {
        Gen<Destination> address = Gen.Select(Gen.OneOf(Gen.Byte.Array[4], Gen.Byte.Array[16]), Gen.Int[0, 65_535])
            .Select((bytes, port) => Destination.Udp(new System.Net.IPAddress(bytes), port));
        Gen<Destination> domain = Gen.Select(Gen.Char["abcxyz019-"].Array[1, 250], Gen.Int[0, 65_535])
            .Select((characters, port) => Destination.Udp("a" + new string(characters) + ".x", port));
        var destinations = SocksAddress.NewRecentAddresses();
        Gen.OneOf(address, domain).Sample(destination =>
        {
            byte[] buffer = new byte[SocksDatagram.MaxHead];
            int length = SocksDatagram.WriteHead(destination, buffer);
            Assert.Equal(length, SocksDatagram.MeasureHead(buffer.AsSpan(0, length)));
            Destination read = destinations.Find(buffer.AsSpan(SocksDatagram.Prefix, length - SocksDatagram.Prefix))!;
            Assert.Equal(
                destination.Address?.IsIPv4MappedToIPv6 is true ? destination.Address.MapToIPv4() : destination.Address, read.Address);
            Assert.Equal((destination.Domain, destination.Port), (read.Domain, read.Port));
        });
    }

    [Fact]
    public void Garbage_NeverAnException() => Gen.Byte.Array[0, 64].Sample(bytes =>
    {
        int head = SocksDatagram.MeasureHead(bytes);
        Assert.InRange(head, 0, bytes.Length);
        if (head > 0)
        {
            _ = SocksAddress.NewRecentAddresses().Find(bytes.AsSpan(SocksDatagram.Prefix, head - SocksDatagram.Prefix));
        }
    });

    private static byte[] Bytes(string hex) => Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));
}
