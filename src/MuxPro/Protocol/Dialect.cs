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
