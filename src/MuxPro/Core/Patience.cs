namespace MuxPro.Core;

/// <summary>How long this end waits for the next byte of a sub-connection on which it has said all it had to say (SPEC 6.3.4).</summary>
internal enum Patience : byte
{
    /// <summary>Hardly: this end drains, and nobody reads any more what comes.</summary>
    None,

    /// <summary>For a moment: nobody reads what comes, or the other end may be a prototype that forgets its sub-connections.</summary>
    Short,

    /// <summary>For as long as an answer may take: the other end is one of ours, and gives signs of life.</summary>
    Long,
}
