using System.Net.Sockets;
using System.Security.Authentication;

namespace MuxPro.Proxy.Transports;

/// <summary>Why a TLS handshake failed, in words.</summary>
internal static class TlsFailure
{
    /// <summary>What is wrong with a peer of another protocol, or of none.</summary>
    public const string OtherProtocol = "it speaks TLS, but not Mux.Pro (ALPN 'muxpro')";

    /// <summary>Why it failed, without a full stop, and without what only the runtime's authors know.</summary>
    public static string Explain(Exception exception, bool isServer)
    {
        string all = exception.ToString();
        bool Says(string text) => all.Contains(text, StringComparison.OrdinalIgnoreCase);
        if (exception.Message == OtherProtocol || Says("application protocol") || Says("application_protocol"))
        {
            return OtherProtocol;
        }

        if (Says("protocol version") || Says("unsupported protocol"))
        {
            return "it does not speak TLS 1.3";
        }

        bool isReset = exception.GetBaseException() is SocketException { SocketErrorCode: SocketError.ConnectionReset };
        if (isReset || Says("frame size") || Says("wrong version number") || Says("unexpected EOF") || Says("http request"))
        {
            return isServer
                ? "it does not speak TLS, or broke off the handshake (a client without TLS?)"
                : "it does not answer in TLS (a server without TLS, or another service?)";
        }

        string reason = exception is AuthenticationException && exception.InnerException is { } inner ? inner.Message : exception.Message;
        return reason.ReplaceLineEndings(" ").TrimEnd('.');
    }
}
