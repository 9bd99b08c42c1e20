using System.Net;

namespace MuxPro.Tests;

public sealed class AddressRangesTests
{
    [Theory]
    [InlineData("0.0.0.0", "this network")]
    [InlineData("0.255.255.255", "this network")]
    [InlineData("10.0.0.0", "private")]
    [InlineData("10.255.255.255", "private")]
    [InlineData("100.64.0.0", "carriers")]
    [InlineData("100.127.255.255", "carriers")]
    [InlineData("127.0.0.1", "loopback")]
    [InlineData("127.255.255.255", "loopback")]
    [InlineData("169.254.169.254", "link-local")]
    [InlineData("172.16.0.0", "private")]
    [InlineData("172.31.255.255", "private")]
    [InlineData("192.0.0.8", "protocol assignments")]
    [InlineData("192.0.2.1", "documentation")]
    [InlineData("192.88.99.1", "6to4")]
    [InlineData("192.168.0.0", "private")]
    [InlineData("192.168.255.255", "private")]
    [InlineData("198.18.0.0", "benchmarking")]
    [InlineData("198.19.255.255", "benchmarking")]
    [InlineData("198.51.100.7", "documentation")]
    [InlineData("203.0.113.7", "documentation")]
    [InlineData("224.0.0.1", "multicast")]
    [InlineData("239.255.255.255", "multicast")]
    [InlineData("240.0.0.1", "reserved")]
    [InlineData("255.255.255.254", "reserved")]
    [InlineData("255.255.255.255", "broadcast")]
    [InlineData("::", "unspecified")]
    [InlineData("::1", "loopback")]
    [InlineData("::2", "IPv4-compatible")]
    [InlineData("::127.0.0.1", "IPv4-compatible")]
    [InlineData("::8.8.8.8", "IPv4-compatible")]
    [InlineData("64:ff9b:1::1", "local translation")]
    [InlineData("100::1", "discard")]
    [InlineData("2001::1", "Teredo")]
    [InlineData("2001:0:7f00:1::", "Teredo")]
    [InlineData("2001:2::1", "benchmarking")]
    [InlineData("2001:1ff::1", "protocol assignments")]
    [InlineData("2001:db8::1", "documentation")]
    [InlineData("3fff:fff::1", "documentation")]
    [InlineData("5f00::1", "segment routing")]
    [InlineData("fc00::1", "private")]
    [InlineData("fdff:ffff::1", "private")]
    [InlineData("fe80::1", "link-local")]
    [InlineData("fe80::1%2", "link-local")]
    [InlineData("febf::1", "link-local")]
    [InlineData("fec0::1", "site-local")]
    [InlineData("ff02::1", "multicast")]
    [InlineData("1::1", "unassigned")]
    [InlineData("4000::1", "unassigned")]
    [InlineData("fe00::1", "unassigned")]
    public void Special_Named(string address, string range)
        => Assert.Contains(range, AddressRanges.NotPublic(IPAddress.Parse(address)), StringComparison.Ordinal);

    [Theory]
    [InlineData("::ffff:{0}")]
    [InlineData("::ffff:0:{0}")]
    [InlineData("64:ff9b::{0}")]
    public void CarriedV4_JudgedAsV4(string form)
    {
        foreach (string special in (string[])["127.0.0.1", "10.1.2.3", "169.254.169.254", "0.0.0.0", "255.255.255.255", "224.0.0.1"])
        {
            Assert.Equal(
                AddressRanges.NotPublic(IPAddress.Parse(special)),
                AddressRanges.NotPublic(IPAddress.Parse(form.Replace("{0}", special, StringComparison.Ordinal))));
        }

        Assert.Null(AddressRanges.NotPublic(IPAddress.Parse(form.Replace("{0}", "8.8.8.8", StringComparison.Ordinal))));
    }

    [Theory]
    [InlineData("2002:7f00:1::1", "loopback")]
    [InlineData("2002:a01:203::1", "private")]
    [InlineData("2002:a9fe:a9fe::", "link-local")]
    [InlineData("2002:808:808::1", null)]
    public void SixToFour_JudgedAsV4(string address, string? range)
    {
        string? name = AddressRanges.NotPublic(IPAddress.Parse(address));
        Assert.Equal(range is null, name is null);
        Assert.Contains(range ?? "", name ?? "", StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1.1.1.1")]
    [InlineData("9.255.255.255")]
    [InlineData("11.0.0.0")]
    [InlineData("100.63.255.255")]
    [InlineData("100.128.0.0")]
    [InlineData("126.255.255.255")]
    [InlineData("128.0.0.0")]
    [InlineData("169.253.255.255")]
    [InlineData("169.255.0.0")]
    [InlineData("172.15.255.255")]
    [InlineData("172.32.0.0")]
    [InlineData("192.0.1.0")]
    [InlineData("192.0.3.0")]
    [InlineData("192.88.98.255")]
    [InlineData("192.167.255.255")]
    [InlineData("192.169.0.0")]
    [InlineData("198.17.255.255")]
    [InlineData("198.20.0.0")]
    [InlineData("198.51.99.255")]
    [InlineData("203.0.114.0")]
    [InlineData("223.255.255.255")]
    [InlineData("2001:200::1")]
    [InlineData("2001:4860:4860::8888")]
    [InlineData("2001:db7:ffff::1")]
    [InlineData("2001:db9::1")]
    [InlineData("2003::1")]
    [InlineData("2606:4700::1111")]
    [InlineData("3ffe::1")]
    [InlineData("3fff:1000::1")]
    public void Public_NoName(string address) => Assert.Null(AddressRanges.NotPublic(IPAddress.Parse(address)));
}
