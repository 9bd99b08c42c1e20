namespace MuxPro;

/// <summary>What a sub-connection carries, with the values of the wire (SPEC 6.3.2).</summary>
public enum Network : byte
{
    /// <summary>A stream of bytes.</summary>
    Tcp = 1,

    /// <summary>A flow of datagrams.</summary>
    Udp = 2,
}
