namespace MuxPro.Protocol;

/// <summary>The Opt byte of a frame (SPEC 6). Bits that are not named here are kept as they came.</summary>
[Flags]
public enum FrameOptions : byte
{
    /// <summary>No bit.</summary>
    None = 0,

    /// <summary>D: Extra Data follows the metadata; in an End, the metadata holds an error code (SPEC 6.3.4).</summary>
    Data = 1,

    /// <summary>The Extra Data of a Keep starts with the address of its datagram (SPEC 7.2).</summary>
    UdpAddress = 2,

    /// <summary>A KeepAlive that asks for an answer with the same token (SPEC 8, private version).</summary>
    Ping = 0x10,

    /// <summary>A KeepAlive that is the answer to a <see cref="Ping"/> (SPEC 8, private version).</summary>
    Pong = 0x20,

    /// <summary>A Keep that says that the target is reached (SPEC 8, private version).</summary>
    Opened = Pong,
}
