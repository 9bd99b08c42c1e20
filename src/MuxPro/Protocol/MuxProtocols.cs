namespace MuxPro;

/// <summary>What main connections speak.</summary>
[Flags]
public enum MuxProtocols
{
    /// <summary>Mux.Pro, in the versions of <c>MuxOptions.Versions</c>.</summary>
    MuxPro = 1,

    /// <summary>
    /// Mux.Cool, the multiplexer of V2Ray and Xray (SPEC 9): no versions, no priorities and no reasons on the wire, no half-close, and no
    /// flow control of a sub-connection: see <c>MuxOptions.MuxCoolBuffer</c>.
    /// </summary>
    MuxCool = 2,
}
