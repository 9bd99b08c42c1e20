using MuxPro.AspNetCore.Transport;

namespace MuxPro.AspNetCore.Tests;

/// <summary>Which address takes which sub-connection.</summary>
public sealed class MuxEndPointTests
{
    [Theory]
    [InlineData("api.internal", 80, "api.internal:80", true)]
    [InlineData("api.internal", 80, "API.Internal:80", true)]
    [InlineData("api.internal", 80, "api.internal:81", false)]
    [InlineData("api.internal", 0, "api.internal:81", true)]
    [InlineData("api.internal", 80, "x.api.internal:80", false)]
    [InlineData("*.internal", 80, "api.internal:80", true)]
    [InlineData("*.internal", 80, "a.b.internal:80", true)]
    [InlineData("*.internal", 80, "internal:80", false)]
    [InlineData("*.internal", 80, "xinternal:80", false)]
    [InlineData("*", 0, "10.0.0.1:5", true)]
    [InlineData("*", 0, "udp:10.0.0.1:5", false)]
    [InlineData("10.0.0.1", 5, "10.0.0.1:5", true)]
    [InlineData("::1", 5, "[0:0:0:0:0:0:0:1]:5", true)]
    [InlineData("::1", 5, "one.internal:5", false)]
    public void Matches(string host, int port, string destination, bool expected)
        => Assert.Equal(expected, new MuxEndPoint(host, port).Matches(Destination.Parse(destination)));

    [Theory]
    [InlineData("")]
    [InlineData("a b")]
    [InlineData("api.*")]
    [InlineData("*.")]
    [InlineData("**")]
    public void OtherPatterns_AreRefused(string host)
        => Assert.Equal("host", Assert.ThrowsAny<ArgumentException>(() => new MuxEndPoint(host, 80)).ParamName);

    [Fact]
    public void TheNarrowestTakesIt()
    {
        var router = new SubConnectionRouter();
        foreach (string address in (string[])["*:0", "*.internal:0", "*.b.internal:80", "a.b.internal:0", "a.b.internal:80", "*:80"])
        {
            int colon = address.IndexOf(':', StringComparison.Ordinal);
            router.Add(new SubConnectionListener(
                new MuxEndPoint(address[..colon], int.Parse(address[(colon + 1)..], System.Globalization.CultureInfo.InvariantCulture)),
                router));
        }

        Assert.Equal("a.b.internal:80", Find("a.b.internal:80"));
        Assert.Equal("a.b.internal:0", Find("a.b.internal:81"));
        Assert.Equal("*.b.internal:80", Find("c.b.internal:80"));
        Assert.Equal("*.internal:0", Find("c.b.internal:81"));
        Assert.Equal("*:80", Find("example.com:80"));
        Assert.Equal("*:0", Find("example.com:81"));

        string Find(string destination) => router.Find(Destination.Parse(destination))!.EndPoint.ToString();
    }
}
