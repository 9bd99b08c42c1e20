namespace MuxPro.Protocol;

/// <summary>
/// What the two ends of a main connection speak, once they have agreed: a version of Mux.Pro (SPEC 3), or Mux.Cool (SPEC 9).
/// </summary>
internal enum Dialect : byte
{
    /// <summary>MuxPro/0.0.</summary>
    V0_0,

    /// <summary>MuxPro/0.1: flows of datagrams may have addresses of their own (SPEC 7.2).</summary>
    V0_1,

    /// <summary>The private version (SPEC 8).</summary>
    Private,

    /// <summary>Mux.Cool: no credit, and an End is the end of both directions (SPEC 9).</summary>
    MuxCool,
}

/// <summary>What a dialect has.</summary>
internal static class DialectFeatures
{
    extension(Dialect dialect)
    {
        /// <summary>SPEC 8: a server says when the target is reached.</summary>
        public bool HasOpenResult => dialect == Dialect.Private;

        /// <summary>
        /// SPEC 6.3.6: in 0.0 and 0.1 nothing is granted after an own End. SPEC 8: credit goes on until the other end's End.
        /// </summary>
        public bool GrantsAfterEnd => dialect == Dialect.Private;

        /// <summary>
        /// SPEC 6.3.4: whether an end grants what the answer may need just before its End. A server of 0.0 does not: it buys nothing from a
        /// prototype's client, which takes its own End as over, and may end its process.
        /// </summary>
        /// <param name="isClient">Whether this end opens the sub-connections.</param>
        public bool GrantsBeforeEnd(bool isClient) => dialect == Dialect.V0_1 || (dialect == Dialect.V0_0 && isClient);

        /// <summary>
        /// SPEC 6.3.4: whether an End with a code goes out together with credit, because a prototype's writer waits for that alone.
        /// </summary>
        public bool FreesWriters => dialect == Dialect.V0_0;

        /// <summary>SPEC 6.3.6: whether a sender of the other end may give up that was without credit for 30 s: the prototype's.</summary>
        public bool GivesUpWithoutCredit => dialect is Dialect.V0_0 or Dialect.V0_1;

        /// <summary>SPEC 7.2: datagrams may have addresses of their own, and flows a GlobalID.</summary>
        public bool IsFullCone => dialect is Dialect.V0_1 or Dialect.Private;

        /// <summary>SPEC 9: an End is the end of both directions.</summary>
        public bool EndsBothDirections => dialect == Dialect.MuxCool;
    }

    /// <summary>The dialect of a version.</summary>
    public static Dialect Of(ProtocolVersion version) => version == ProtocolVersion.Private ? Dialect.Private
        : version >= ProtocolVersion.V0_1 ? Dialect.V0_1
        : Dialect.V0_0;
}
