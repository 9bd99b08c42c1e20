namespace MuxPro;

/// <summary>How to open a flow of datagrams. Immutable: change a copy with <c>with</c>.</summary>
public sealed record DatagramOptions
{
    /// <summary>0 is served first, 255 last.</summary>
    /// <value>The default value is <see cref="Session.DefaultPriority"/>.</value>
    public byte Priority { get; init; } = Session.DefaultPriority;

    /// <summary>
    /// Names the flow across main connections (SPEC 7.2): a server gives a new sub-connection with the same id the public address of the
    /// earlier one, up to 60 s after that was lost. Not sent in 0.0.
    /// </summary>
    /// <value>The default value is 0: none.</value>
    public ulong GlobalId { get; init; }
}
