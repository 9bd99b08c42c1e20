using System.Net;
using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Security;

namespace MuxPro.Proxy.Inbounds;

/// <summary>One main connection's other end.</summary>
internal sealed class MainPeer(AuthorizedKey? key, Pin? pin, EndPoint? source)
{
    /// <summary>One that came in by a special address, under a name that was asked or none.</summary>
    public MainPeer(string? user, EndPoint? source)
        : this(user is null ? null : new AuthorizedKey(user, null), null, source)
    {
    }

    /// <summary>The user's name, or <c>-</c> where nobody was asked.</summary>
    public string Name { get; } = key?.Name ?? "-";

    /// <summary>The user's name, where it is known.</summary>
    public string? User { get; } = key?.Name;

    public Pin? Pin { get; } = pin;

    public EndPoint? Source { get; } = source;

    /// <summary>The highest priority that it may use, where its key says so.</summary>
    public byte? HighestPriority { get; } = key?.HighestPriority;

    /// <summary>
    /// Whose flows of datagrams those are that keep their public address (SPEC 7.2). Strangers are told apart by their address.
    /// </summary>
    public string FlowOwner { get; } = key?.Name ?? $"- {(source as IPEndPoint)?.Address}";
}
