using System.Text;
using MuxPro.Proxy.Http;
using MuxPro.Proxy.Security;
using MuxPro.Proxy.Shared;
using MuxPro.Proxy.Socks;
using MuxPro.Proxy.Tests.Support;

namespace MuxPro.Proxy.Tests.Inbounds;

public sealed class SocksHandshakeTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("050100 05010003 0b 6578616d706c652e636f6d 0050", "tcp:example.com:80")]
    [InlineData("050100 05010001 7f000001 1f90", "tcp:127.0.0.1:8080")]
    [InlineData("050100 05010004 00000000000000000000000000000001 01bb", "tcp:[::1]:443")]
    [InlineData("05020100 05010003 09 3132372e302e302e31 0001", "tcp:127.0.0.1:1")]
    [InlineData("050100 05030001 00000000 0000", "udp:0.0.0.0:0")]
    [InlineData("050100 05030004 00000000000000000000000000000001 1f90", "udp:[::1]:8080")]
    public async Task Request_AnyCut_GivesTheDestination(string hex, string expected)
    {
        foreach (byte[][] cut in ScriptedStream.Cuts(Bytes(hex)))
        {
            var stream = new ScriptedStream(cut);
            (Destination destination, string? user) = await SocksHandshake.ReadRequestAsync(
                new HandshakeReader(stream), stream, Users.None, Cancel);
            Assert.Equal(expected, destination.ToString());
            Assert.Null(user);
            Assert.Equal("0500", Convert.ToHexString(stream.Written));
        }
    }

    [Fact]
    public async Task Connect_EarlyData_StaysInTheReader()
    {
        var stream = new ScriptedStream([Bytes("050100 05010001 7f000001 1f90 aabbcc")]);
        var reader = new HandshakeReader(stream);
        await SocksHandshake.ReadRequestAsync(reader, stream, Users.None, Cancel);
        Assert.Equal("AABBCC", Convert.ToHexString(reader.Buffered.Span));
    }

    [Fact]
    public async Task Password_Right_AnyCut_GivesTheUser()
    {
        foreach (byte[][] cut in ScriptedStream.Cuts(Bytes("05020002 01 02 6162 03 783a79 05010001 7f000001 1f90")))
        {
            var stream = new ScriptedStream(cut);
            (_, string? user) = await SocksHandshake.ReadRequestAsync(new HandshakeReader(stream), stream, AbUser(), Cancel);
            Assert.Equal("ab", user);
            Assert.Equal("05020100", Convert.ToHexString(stream.Written));
        }
    }

    [Theory]
    [InlineData("050102 01 02 6162 03 783a7a", "05020101")] // wrong password
    [InlineData("050102 01 02 6163 03 783a79", "05020101")] // unknown name
    [InlineData("050102 01 00 00", "05020101")] // empty
    [InlineData("050100", "05FF")] // no password offered
    [InlineData("0500", "05FF")] // nothing offered
    [InlineData("050102 02", "0502")] // a login of another version
    public async Task Password_Wrong_Refused(string hex, string answer)
    {
        var stream = new ScriptedStream([Bytes(hex)]);
        await Assert.ThrowsAsync<HandshakeException>(
            async () => await SocksHandshake.ReadRequestAsync(new HandshakeReader(stream), stream, AbUser(), Cancel));
        Assert.Equal(answer, Convert.ToHexString(stream.Written));
    }

    [Theory]
    [InlineData("050100 05020001 7f000001 1f90", "050005070001000000000000")] // BIND
    [InlineData("050100 05010002", "050005080001000000000000")] // no such address type
    [InlineData("050100 05010003 00 0050", "050005040001000000000000")] // empty name
    [InlineData("050100 05010003 03 61 20 62 0050", "050005040001000000000000")] // a name with a space
    [InlineData("050102", "05FF")] // only passwords offered, none asked for
    [InlineData("050100 04010001", "0500")] // version changes half-way
    public async Task Request_NotServed_Answered(string hex, string answer)
    {
        var stream = new ScriptedStream([Bytes(hex)]);
        await Assert.ThrowsAsync<HandshakeException>(
            async () => await SocksHandshake.ReadRequestAsync(new HandshakeReader(stream), stream, Users.None, Cancel));
        Assert.Equal(answer, Convert.ToHexString(stream.Written));
    }

    [Fact]
    public async Task Request_EndsHalfWay_Throws()
    {
        byte[] whole = Bytes("050100 05010003 0b 6578616d706c652e636f6d 0050");
        for (int length = 0; length < whole.Length; length++)
        {
            var stream = new ScriptedStream([whole[..length]]);
            await Assert.ThrowsAsync<EndOfStreamException>(
                async () => await SocksHandshake.ReadRequestAsync(new HandshakeReader(stream), stream, Users.None, Cancel));
        }
    }

    [Fact]
    public async Task Garbage_NeverAnythingElseThanARefusal()
    {
        var random = new Random(1);
        for (int i = 0; i < 5_000; i++)
        {
            byte[] garbage = new byte[random.Next(1, 64)];
            random.NextBytes(garbage);
            garbage[0] = 5;
            var stream = new ScriptedStream([garbage]);
            try
            {
                await SocksHandshake.ReadRequestAsync(new HandshakeReader(stream), stream, Users.None, Cancel);
            }
            catch (Exception exception) when (exception is HandshakeException or EndOfStreamException)
            {
                // What it should be.
            }
        }
    }

    [Theory]
    [InlineData(ErrorCode.RemoteDisconnect, 5)]
    [InlineData(ErrorCode.OperationTimeout, 6)]
    [InlineData(ErrorCode.ProtocolError, 1)]
    [InlineData(ErrorCode.ResourceExhaustion, 1)]
    [InlineData(ErrorCode.DestinationUnreachable, 4)]
    [InlineData(ErrorCode.ProxyRejected, 2)]
    [InlineData((ErrorCode)0x1234, 1)]
    public void Codes_AsTheTableSays(ErrorCode code, byte reply)
        => Assert.Equal(reply, SocksReplies.Of(new SessionException(code, "no")));

    [Theory]
    [InlineData(FailureDetail.ConnectionRefused, 5)]
    [InlineData(FailureDetail.NameNotFound, 4)]
    [InlineData(FailureDetail.HostUnreachable, 4)]
    [InlineData(FailureDetail.NetworkUnreachable, 3)]
    [InlineData((FailureDetail)99, 4)]
    public void Details_SayMore(FailureDetail detail, byte reply)
        => Assert.Equal(reply, SocksReplies.Of(new SessionException(ErrorCode.DestinationUnreachable, "no") { Detail = detail }));

    [Theory]
    [InlineData(ErrorCode.RemoteDisconnect, FailureDetail.ConnectionRefused, 502, "connection_refused", "refused")]
    [InlineData(ErrorCode.DestinationUnreachable, FailureDetail.NameNotFound, 502, "dns_error", "name was not found")]
    [InlineData(
        ErrorCode.DestinationUnreachable, FailureDetail.NetworkUnreachable, 502, "destination_ip_unroutable", "network is unreachable")]
    [InlineData(ErrorCode.DestinationUnreachable, FailureDetail.None, 502, "destination_unavailable", "unreachable")]
    [InlineData(ErrorCode.OperationTimeout, FailureDetail.None, 504, "connection_timeout", "in time")]
    [InlineData(ErrorCode.ProxyRejected, FailureDetail.None, 403, "destination_ip_prohibited", "not allow")]
    [InlineData(ErrorCode.ResourceExhaustion, FailureDetail.None, 503, "connection_limit_reached", "limit")]
    [InlineData(ErrorCode.RemoteDisconnect, FailureDetail.None, 502, "connection_terminated", "ended")]
    public void Http_TellsTheCausesApart(ErrorCode code, FailureDetail detail, int status, string error, string words)
    {
        HttpStatusException exception = HttpErrors.Of(
            Destination.Tcp("a.example", 80), new SessionException(code, "no") { Detail = detail });
        string reply = Encoding.UTF8.GetString(HttpReply.Error(exception));
        Assert.StartsWith($"HTTP/1.1 {status} ", reply, StringComparison.Ordinal);
        Assert.Contains($"\r\nProxy-Status: muxpro; error={error}; details=\"tcp:a.example:80: ", reply, StringComparison.Ordinal);
        Assert.Contains(words, reply.Split("\r\n\r\n")[1], StringComparison.Ordinal);
    }

    [Fact]
    public void ProxyStatus_IsOneQuotedString()
        => Assert.Contains(
            "details=\"a \\\"b\\\" \\\\ ??\"\r\n",
            Encoding.UTF8.GetString(HttpReply.Error(new HttpStatusException(502, "a \"b\" \\ \u00e4\n") { ProxyError = "dns_error" })),
            StringComparison.Ordinal);

    [Fact]
    public void OtherErrors_AreGeneralFailures() => Assert.Equal(1, SocksReplies.Of(new IOException("down")));

    private static byte[] Bytes(string hex) => Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));

    private static Users AbUser()
    {
        var users = new Users();
        Assert.True(users.TryAdd("ab:" + Encoding.ASCII.GetString("x:y"u8)));
        return users;
    }
}
