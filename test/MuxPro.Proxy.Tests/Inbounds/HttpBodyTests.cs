using System.Text;
using MuxPro.Proxy.Http;
using MuxPro.Proxy.Shared;
using MuxPro.Proxy.Tests.Support;

namespace MuxPro.Proxy.Tests.Inbounds;

public sealed class HttpBodyTests
{
    private const string Chunked = "Transfer-Encoding: chunked\r\n";

    [Theory]
    [InlineData("", "", "next")]
    [InlineData("Content-Length: 0\r\n", "", "next")]
    [InlineData("Content-Length: 5\r\n", "hello", "next")]
    [InlineData("Content-Length: 5, 5\r\n", "hello", "next")]
    [InlineData(Chunked, "0\r\n\r\n", "GET")]
    [InlineData(Chunked, "5\r\nhello\r\n0\r\n\r\n", "GET")]
    [InlineData(Chunked, "005;a=\"b\"\r\nhello\r\n1 \r\nx\r\n0\r\nTrailer: x\r\nOther: y\r\n\r\n", "GET")]
    [InlineData(Chunked, "A\r\n0123456789\r\na\r\n0\r\n\r\n\r\n0\r\n\r\n0\r\n\r\n", "")]
    public async Task Request_AnyCut_NoByteMoreOrLess(string field, string body, string next)
    {
        HttpBody framing = HttpBody.OfRequest(Head(field));
        foreach (byte[][] cut in ScriptedStream.Cuts(Encoding.ASCII.GetBytes(body + next)))
        {
            var target = new ScriptedStream([]);
            var reader = new HandshakeReader(new ScriptedStream(cut), capacity: 3);
            long copied = 0;
            await framing.Scan().CopyAsync(reader, target, moved => copied += moved, TestContext.Current.CancellationToken);
            Assert.Equal(body, Encoding.ASCII.GetString(target.Written));
            Assert.Equal(body.Length, copied);
        }
    }

    [Theory]
    [InlineData("\r\n")]
    [InlineData("g\r\n")]
    [InlineData("-1\r\n")]
    [InlineData("1\nx")]
    [InlineData("1\r\nxy")]
    [InlineData("1\r\nx\n")]
    [InlineData("1\rx")]
    [InlineData("10000000000000000\r\n")]
    [InlineData("0\r\nTrailer: x\n\n")]
    [InlineData("0\r\n\rx")]
    [InlineData("1 0\r\n")]
    [InlineData("1;a=\0\r\n")]
    [InlineData("0\r\n: x\r\n")]
    [InlineData("0\r\na: b\r\n folded\r\n")]
    public void Chunks_Broken_Refused(string body)
        => Assert.Throws<FormatException>(() => HttpBody.OfRequest(Head(Chunked)).Scan().Take(Encoding.ASCII.GetBytes(body)));

    [Fact]
    public void Chunks_EndlessLines_Refused()
    {
        byte[] noise = [.. Enumerable.Repeat((byte)'x', 10_000)];
        Assert.Throws<FormatException>(() => HttpBody.OfRequest(Head(Chunked)).Scan().Take([.. "1;"u8, .. noise]));
        Assert.Throws<FormatException>(() => HttpBody.OfRequest(Head(Chunked)).Scan().Take([.. "0\r\n"u8, .. noise]));
        byte[] line = [.. noise.Take(1000), .. "\r\n"u8];
        Assert.Throws<FormatException>(
            () => HttpBody.OfRequest(Head(Chunked)).Scan().Take(
                [.. "0\r\n"u8, .. Enumerable.Repeat(line, 100).SelectMany(bytes => bytes)]));
    }

    [Theory]
    [InlineData("Content-Length: 6\r\n")]
    [InlineData(Chunked)]
    public async Task Request_EndsHalfWay_Throws(string field)
    {
        var reader = new HandshakeReader(new ScriptedStream([Encoding.ASCII.GetBytes("5\r\nab")]));
        await Assert.ThrowsAsync<EndOfStreamException>(
            () => HttpBody.OfRequest(Head(field)).Scan().CopyAsync(
                reader, Stream.Null, static _ => { }, TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("", 200, "GET", "to the end")]
    [InlineData("Content-Length: 3\r\n", 200, "GET", "to ")]
    [InlineData("Content-Length: 3\r\n", 200, "HEAD", "")]
    [InlineData("Content-Length: 3\r\n", 304, "GET", "")]
    [InlineData("", 204, "GET", "")]
    [InlineData("Transfer-Encoding: gzip\r\n", 200, "GET", "to the end")]
    public async Task Response_FramedAsItSays(string field, int status, string method, string body)
    {
        var target = new ScriptedStream([]);
        var reader = new HandshakeReader(new ScriptedStream(["to the end"u8.ToArray()]));
        await HttpBody.OfResponse(Head(field), status, method).Scan().CopyAsync(
            reader, target, static _ => { }, TestContext.Current.CancellationToken);
        Assert.Equal(body, Encoding.ASCII.GetString(target.Written));
    }

    [Theory]
    [InlineData("Content-Length: \u00a05\r\n")]
    [InlineData("Transfer-Encoding: \u00a0chunked\r\n")]
    [InlineData("Transfer-Encoding: chunked\u0085\r\n")]
    public void Request_WhiteSpaceThatIsNone_Refused(string field) => Assert.Throws<FormatException>(() => HttpBody.OfRequest(Head(field)));

    [Fact]
    public void Length_IsSaidOnce()
    {
        HttpHead head = Head("Content-Length: 4\r\nContent-Length: 4, 4\r\n");
        HttpBody.OfRequest(head);
        Assert.Equal(["4"], head.Values("Content-Length"));
    }

    [Fact]
    public void Answer204_HasNoFraming()
    {
        HttpHead head = Head("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n");
        HttpBody.OfResponse(head, 204, "GET");
        Assert.Empty(head.Values("Content-Length").Concat(head.Values("Transfer-Encoding")));
    }

    [Fact]
    public async Task Response_OfTheGreatestLength_MayNotEndBefore()
    {
        var reader = new HandshakeReader(new ScriptedStream(["not all of it"u8.ToArray()]));
        HttpBody body = HttpBody.OfResponse(Head("Content-Length: 9223372036854775807\r\n"), 200, "GET");
        await Assert.ThrowsAsync<EndOfStreamException>(
            () => body.Scan().CopyAsync(reader, Stream.Null, static _ => { }, TestContext.Current.CancellationToken));
    }

    [Fact]
    public void Response_OldVersionWithTransferEncoding_Refused()
    {
        HttpHead head = HttpHead.Parse("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"u8);
        Assert.Throws<FormatException>(() => HttpBody.OfResponse(head, 200, "GET"));
    }

    private static HttpHead Head(string fields) => HttpHead.Parse(Encoding.ASCII.GetBytes($"start\r\n{fields}\r\n"));
}
