using MuxPro.Proxy.Http;
using MuxPro.Proxy.Security;
using MuxPro.Proxy.Shared;

namespace MuxPro.Proxy.Inbounds;

/// <summary>What an application wants.</summary>
/// <param name="Destination">Where to.</param>
/// <param name="User">Who asked, where that is known.</param>
internal abstract record InboundRequest(Destination Destination, string? User)
{
    /// <summary>Reads the head of an HTTP request.</summary>
    public static async ValueTask<InboundRequest> ReadHttpAsync(HandshakeReader reader, Users users, CancellationToken cancellationToken)
    {
        (HttpRequest request, string? user) = await HttpHandshake.ReadRequestAsync(reader, users, cancellationToken);
        return request.IsConnect
            ? new TunnelRequest(
                request.Destination, user, reader, HttpReply.ConnectionEstablished(),
                exception => HttpReply.Error(HttpErrors.Of(request.Destination, exception)))
            : new ForwardRequest(request, user, reader);
    }
}

/// <summary>The application wants bytes carried, whatever they are.</summary>
/// <param name="Destination">Where to.</param>
/// <param name="User">Who asked, where that is known.</param>
/// <param name="Reader">Has what the application sent ahead of the answer; <see langword="null"/> where nothing was read.</param>
/// <param name="Success">The answer when the sub-connection is open.</param>
/// <param name="Failure">The answer when it is not.</param>
internal sealed record TunnelRequest(
    Destination Destination, string? User, HandshakeReader? Reader, byte[] Success, Func<Exception, byte[]> Failure)
    : InboundRequest(Destination, User);

/// <summary>The application wants datagrams carried.</summary>
/// <param name="From">Where it says that it sends from; an address or a port of zero says nothing.</param>
/// <param name="User">Who asked, where that is known.</param>
internal sealed record AssociateRequest(Destination From, string? User) : InboundRequest(From, User);

/// <summary>The application wants an HTTP request carried to its origin.</summary>
internal sealed record ForwardRequest(HttpRequest Request, string? User, HandshakeReader Reader)
    : InboundRequest(Request.Destination, User);
