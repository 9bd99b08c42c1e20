using System.Net;
using System.Net.Sockets;
using System.Text;
using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Shared;

namespace MuxPro.Proxy.Socks;

/// <summary>The client's side of SOCKS5 (RFC 1928) with name and password (RFC 1929): CONNECT and UDP ASSOCIATE.</summary>
internal static class SocksClient
{
    // RFC 1929: name and password have a length of one byte each.
    private const int MaxLoginText = 255;

    private const byte Version = 0x05;
    private const byte NoAuthentication = 0x00;
    private const byte UserNamePassword = 0x02;
    private const byte PasswordVersion = 0x01;
    private const byte Connect = 0x01;
    private const byte UdpAssociate = 0x03;

    /// <summary>Has a proxy connect to a destination; a name is looked up there.</summary>
    /// <param name="link">The connection to the proxy; aborted where this fails.</param>
    /// <param name="proxy">The proxy, as messages name it.</param>
    /// <param name="destination">Where to.</param>
    /// <param name="account">How to log in, where that is asked.</param>
    /// <param name="cancellationToken">Gives up the attempt.</param>
    /// <returns>The link to the destination.</returns>
    /// <exception cref="SessionException">The proxy did not reach the destination.</exception>
    /// <exception cref="IOException">The proxy does not do what one does.</exception>
    public static ValueTask<Link> ConnectAsync(
        Link link, string proxy, Destination destination, AccountConfiguration? account, CancellationToken cancellationToken)
        => OrAbortAsync(link, proxy, async () =>
        {
            await RequestAsync(link.AsStream(), proxy, Connect, destination, account, cancellationToken);
            return link;
        });

    /// <summary>Has a proxy carry datagrams.</summary>
    /// <param name="link">The connection to the proxy; aborted where this fails.</param>
    /// <param name="proxy">The proxy, as messages name it.</param>
    /// <param name="host">Where the proxy is, for one that does not say where it takes datagrams.</param>
    /// <param name="first">The first target.</param>
    /// <param name="account">How to log in, where that is asked.</param>
    /// <param name="open">Opens a flow to where the proxy takes datagrams.</param>
    /// <param name="cancellationToken">Gives up the attempt.</param>
    /// <returns>The flow; it ends with the connection to the proxy.</returns>
    /// <exception cref="SessionException">The proxy carries none, or there is no way to where it takes them.</exception>
    /// <exception cref="IOException">The proxy does not do what one does.</exception>
    public static ValueTask<DatagramLink> AssociateAsync(
        Link link, string proxy, string host, Destination first, AccountConfiguration? account,
        Func<Destination, CancellationToken, ValueTask<DatagramLink>> open, CancellationToken cancellationToken)
        => OrAbortAsync(link, proxy, async () =>
        {
            Destination told = await RequestAsync(
                link.AsStream(), proxy, UdpAssociate, Destination.Udp(IPAddress.Any, 1), account, cancellationToken);

            // Nowhere in particular means where the proxy itself is.
            IPAddress? address = told.Address is null ? null : Addresses.Plain(told.Address);
            string where = address is null ? told.Host
                : address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any) ? host
                : address.ToString();
            if (told.Port == 0 || !Destination.TryCreate(Network.Udp, where, told.Port, out Destination? relay))
            {
                throw new IOException($"The SOCKS proxy {proxy} does not say where it takes datagrams.");
            }

            try
            {
                return (DatagramLink)SocksDatagramLink.Start(link, await open(relay, cancellationToken), first);
            }
            catch (SessionException exception) when (exception.ErrorCode != ErrorCode.ResourceExhaustion)
            {
                // The proxy's fault, not the target's: the next one may do.
                throw new IOException(
                    $"There is no way to {relay}, where the SOCKS proxy {proxy} takes datagrams: {exception.Message}", exception);
            }
        });

    private static async ValueTask<T> OrAbortAsync<T>(Link link, string proxy, Func<Task<T>> negotiate)
    {
        try
        {
            return await negotiate();
        }
        catch (Exception exception) when (exception is EndOfStreamException or SocketException)
        {
            link.Abort();
            throw new IOException($"The SOCKS proxy {proxy} broke off: {exception.Message}", exception);
        }
        catch
        {
            link.Abort();
            throw;
        }
    }

    private static async Task<Destination> RequestAsync(
        Stream stream, string proxy, byte command, Destination destination, AccountConfiguration? account,
        CancellationToken cancellationToken)
    {
        byte[] buffer = new byte[SocksAddress.MaxLength + 3];
        await LogInAsync(stream, proxy, buffer, account, cancellationToken);

        // | version 05 | command | reserved | address |; what UDP is sent from is not known yet: zero.
        (buffer[0], buffer[1], buffer[2]) = (Version, command, 0);
        int length = 3 + SocksAddress.Write(destination, buffer.AsSpan(3));
        if (command == UdpAssociate)
        {
            buffer.AsSpan(length - 2, 2).Clear();
        }

        await stream.WriteAsync(buffer.AsMemory(0, length), cancellationToken);

        // | version 05 | reply | reserved | address type | address | port (2) |
        await stream.ReadExactlyAsync(buffer.AsMemory(0, 5), cancellationToken);
        if (buffer[0] != Version)
        {
            throw NoSocks(proxy);
        }

        (byte reply, byte type, byte lengthOfName) = (buffer[1], buffer[3], buffer[4]);
        int rest = type switch
        {
            SocksAddress.IPv4 => 4 + 2 - 1,
            SocksAddress.IPv6 => 16 + 2 - 1,
            SocksAddress.Domain => lengthOfName + 2,
            _ => throw NoSocks(proxy),
        };
        await stream.ReadExactlyAsync(buffer.AsMemory(5, rest), cancellationToken);
        if (reply != 0)
        {
            throw new SessionException(SocksReplies.ToCode(reply), $"{destination}: the SOCKS proxy {proxy} answers {reply}.")
            {
                Detail = SocksReplies.ToDetail(reply),
            };
        }

        ReadOnlyMemory<byte> bound = buffer.AsMemory(type == SocksAddress.Domain ? 5 : 4, type == SocksAddress.Domain ? rest : rest + 1);
        return command == Connect ? destination : SocksAddress.Read(type, bound.Span, Network.Udp) ?? throw NoSocks(proxy);
    }

    private static async Task LogInAsync(
        Stream stream, string proxy, byte[] buffer, AccountConfiguration? account, CancellationToken cancellationToken)
    {
        await stream.WriteAsync(
            account is null ? new byte[] { Version, 1, NoAuthentication } : [Version, 2, NoAuthentication, UserNamePassword],
            cancellationToken);
        await stream.ReadExactlyAsync(buffer.AsMemory(0, 2), cancellationToken);
        if (buffer[0] != Version)
        {
            throw NoSocks(proxy);
        }

        switch (buffer[1])
        {
            case NoAuthentication:
                return;
            case UserNamePassword when account is not null:
                byte[] user = Encoding.UTF8.GetBytes(account.User);
                byte[] pass = Encoding.UTF8.GetBytes(account.Pass);
                if (user.Length > MaxLoginText || pass.Length > MaxLoginText)
                {
                    throw new IOException($"The SOCKS proxy {proxy} takes names and passwords of at most {MaxLoginText} bytes.");
                }

                await stream.WriteAsync(
                    (byte[])[PasswordVersion, (byte)user.Length, .. user, (byte)pass.Length, .. pass], cancellationToken);
                await stream.ReadExactlyAsync(buffer.AsMemory(0, 2), cancellationToken);
                if (buffer[1] == 0)
                {
                    return;
                }

                throw new IOException($"The SOCKS proxy {proxy} does not know user '{account.User}' by that password.");
            default:
                throw new IOException(account is null
                    ? $"The SOCKS proxy {proxy} asks for a login: 'users' is empty."
                    : $"The SOCKS proxy {proxy} takes neither a name and password nor nobody in particular.");
        }
    }

    private static IOException NoSocks(string proxy) => new($"{proxy} does not speak SOCKS5.");
}
