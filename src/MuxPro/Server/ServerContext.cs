namespace MuxPro;

/// <summary>What the main connections of a server have in common.</summary>
internal sealed record ServerContext
{
    /// <inheritdoc cref="Server.SessionEnded"/>
    public Action<SessionReport>? SessionEnded { get; init; }

    /// <inheritdoc cref="Server.Flows"/>
    public FlowTable Flows { get; init; } = new();

    /// <inheritdoc cref="Server.Peer"/>
    public string Peer { get; init; } = "";

    /// <summary>
    /// Takes a sub-connection itself, or not; see <see cref="Server.RunAsync(Link, Func{Session, bool}, CancellationToken)"/>.
    /// </summary>
    public Func<Session, bool>? Take { get; init; }

    /// <inheritdoc cref="Server.AcceptsDatagrams"/>
    public bool AcceptsDatagrams { get; init; }
}
