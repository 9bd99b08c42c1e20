namespace MuxPro.Protocol;

/// <summary>What a frame is: its State byte (SPEC 6), in the protocol's words.</summary>
public enum FrameType : byte
{
    /// <summary>Offers versions, or answers with the chosen one (SPEC 6.3.1).</summary>
    NegotiateVersion = 0,

    /// <summary>Opens a sub-connection (SPEC 6.3.2).</summary>
    New = 1,

    /// <summary>Carries payload (SPEC 6.3.3).</summary>
    Keep = 2,

    /// <summary>Nothing more comes, or all is over (SPEC 6.3.4).</summary>
    End = 3,

    /// <summary>Says that the main connection lives (SPEC 6.3.5).</summary>
    KeepAlive = 4,

    /// <summary>Lets the other end send more (SPEC 6.3.6).</summary>
    CreditUpdate = 5,

    /// <summary>Asks to open nothing more on this main connection (SPEC 8, private version).</summary>
    GoAway = 6,
}
