using System.Net;
using System.Text;
using MuxPro.Proxy.Security;
using MuxPro.Proxy.Shared;

namespace MuxPro.Proxy.Socks;

/// <summary>The server's side of SOCKS5 (RFC 1928) with name and password (RFC 1929): CONNECT and UDP ASSOCIATE.</summary>
internal static class SocksHandshake
{
    public const byte Version5 = 0x05;
    public const byte Version4 = 0x04;
    public const byte CommandNotSupported = 0x07;

    private const byte NoAuthentication = 0x00;
    private const byte UserNamePassword = 0x02;
    private const byte NoAcceptableMethod = 0xFF;
    private const byte CommandConnect = 0x01;
    private const byte CommandUdpAssociate = 0x03;
    private const byte ReplyAddressTypeNotSupported = 0x08;
    private const byte PasswordVersion = 0x01;

    /// <summary>Reads up to where the application waits for the answer to its request.</summary>
    /// <returns>
    /// Where it wants to go, for UDP ASSOCIATE where it will send from (both of which may be zero), and who it is where that was asked.
    /// </returns>
    /// <exception cref="HandshakeException">The connection is to be closed; the application has been told what the protocol can
    /// tell.</exception>
    public static async ValueTask<(Destination Destination, string? User)> ReadRequestAsync(
        HandshakeReader reader, Stream output, Users users, CancellationToken cancellationToken)
    {
        string? user = await AuthenticateAsync(reader, output, users, cancellationToken);

        // | version 05 | command | reserved | address type | address | port (2) |
        ReadOnlyMemory<byte> head = await reader.ReadAsync(4, cancellationToken);
        (byte version, byte command, byte addressType) = (head.Span[0], head.Span[1], head.Span[3]);
        if (version != Version5)
        {
            throw new HandshakeException("a SOCKS5 request of another version");
        }

        int length;
        switch (addressType)
        {
            case SocksAddress.IPv4:
                length = 4;
                break;
            case SocksAddress.IPv6:
                length = 16;
                break;
            case SocksAddress.Domain:
                length = (await reader.ReadAsync(1, cancellationToken)).Span[0];
                break;
            default:
                await output.WriteAsync(Reply(ReplyAddressTypeNotSupported), cancellationToken);
                throw new HandshakeException("a SOCKS5 address type that does not exist");
        }

        ReadOnlyMemory<byte> addressAndPort = await reader.ReadAsync(length + 2, cancellationToken);
        if (command is not (CommandConnect or CommandUdpAssociate))
        {
            await output.WriteAsync(Reply(CommandNotSupported), cancellationToken);
            throw new HandshakeException("a SOCKS5 command other than CONNECT and UDP ASSOCIATE");
        }

        Network network = command == CommandConnect ? Network.Tcp : Network.Udp;
        if (SocksAddress.Read(addressType, addressAndPort.Span, network) is { } destination)
        {
            return (destination, user);
        }

        await output.WriteAsync(Reply(SocksReplies.HostUnreachable), cancellationToken);
        throw new HandshakeException("a SOCKS5 request for what is no domain name");
    }

    /// <summary>The answer to a request; the bound address of ours is of no use to anybody and stays empty.</summary>
    public static byte[] Reply(byte code) => [Version5, code, 0, SocksAddress.IPv4, 0, 0, 0, 0, 0, 0];

    /// <summary>The answer to UDP ASSOCIATE: where to send datagrams to.</summary>
    public static byte[] Associated(IPEndPoint relay)
    {
        Span<byte> address = stackalloc byte[SocksAddress.MaxLength];
        int length = SocksAddress.Write(Destination.Udp(relay.Address, relay.Port), address);
        return [Version5, 0, 0, .. address[..length]];
    }

    /// <summary>SOCKS4's answer that a request is rejected: clients of it understand no other.</summary>
    public static byte[] RejectedVersion4() => [0, 0x5B, 0, 0, 0, 0, 0, 0];

    /// <summary>The answer that the connection is made.</summary>
    public static byte[] Success() => Reply(0);

    private static async ValueTask<string?> AuthenticateAsync(
        HandshakeReader reader, Stream output, Users users, CancellationToken cancellationToken)
    {
        // | version 05 | number of methods | methods |
        ReadOnlyMemory<byte> head = await reader.ReadAsync(2, cancellationToken);
        ReadOnlyMemory<byte> methods = await reader.ReadAsync(head.Span[1], cancellationToken);
        byte method = users.IsRequired ? UserNamePassword : NoAuthentication;
        if (!methods.Span.Contains(method))
        {
            await output.WriteAsync(new byte[] { Version5, NoAcceptableMethod }, cancellationToken);
            throw new HandshakeException(
                users.IsRequired
                    ? "a SOCKS5 connection without name and password"
                    : "a SOCKS5 connection that offers only other ways to log in");
        }

        await output.WriteAsync(new byte[] { Version5, method }, cancellationToken);
        if (method == NoAuthentication)
        {
            return null;
        }

        // | version 01 | length | name | length | password |
        if ((await reader.ReadAsync(1, cancellationToken)).Span[0] != PasswordVersion)
        {
            throw new HandshakeException("a SOCKS5 login of another version");
        }

        string name = await ReadTextAsync(reader, cancellationToken);
        string password = await ReadTextAsync(reader, cancellationToken);
        bool right = users.IsRight(name, password);
        await output.WriteAsync(new byte[] { PasswordVersion, right ? (byte)0 : (byte)1 }, cancellationToken);
        return right ? name : throw new HandshakeException("a wrong name or password");
    }

    private static async ValueTask<string> ReadTextAsync(HandshakeReader reader, CancellationToken cancellationToken)
    {
        int length = (await reader.ReadAsync(1, cancellationToken)).Span[0];
        return Encoding.UTF8.GetString((await reader.ReadAsync(length, cancellationToken)).Span);
    }
}
