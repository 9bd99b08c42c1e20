namespace MuxPro.Protocol;

/// <summary>What is wrong with a frame, one value per cause.</summary>
public enum FrameErrorKind : ushort
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Metadata of less than 4 bytes (SPEC 6). Ends the main connection.</summary>
    MetadataTooShort,

    /// <summary>Metadata of more than 512 bytes (SPEC 6). Ends the main connection.</summary>
    MetadataTooLong,

    /// <summary>A State that is not known (SPEC 6). Ends the main connection.</summary>
    UnknownState,

    /// <summary>A NegotiateVersion with an ID other than 0 (SPEC 6.3.1). Ends the main connection.</summary>
    NegotiationId,

    /// <summary>A NegotiateVersion without Extra Data (SPEC 6.3.1). Ends the main connection.</summary>
    NegotiationWithoutData,

    /// <summary>A NegotiateVersion that counts no version (SPEC 6.3.1). Ends the main connection.</summary>
    NegotiationEmpty,

    /// <summary>A NegotiateVersion whose Extra Data is too short for its count (SPEC 6.3.1). Ends the main connection.</summary>
    NegotiationLength,

    /// <summary>A KeepAlive with an Opt other than 0 (SPEC 6.3.5). Ends the main connection.</summary>
    KeepAliveOptions,

    /// <summary>A KeepAlive with more than 4 bytes of metadata (SPEC 6.3.5). Ends the main connection.</summary>
    KeepAliveLength,

    /// <summary>A New for a network that is neither TCP nor UDP (SPEC 6.3.2). Ends the sub-connection.</summary>
    UnknownNetwork,

    /// <summary>An address of a type that is not known (SPEC 6.3.2). Ends the sub-connection.</summary>
    UnknownAddressType,

    /// <summary>An address that runs past its end (SPEC 6.3.2). Ends the sub-connection.</summary>
    AddressTruncated,

    /// <summary>A domain name of no bytes (SPEC 6.3.2). Ends the sub-connection.</summary>
    DomainEmpty,

    /// <summary>A domain name with a byte that is not allowed in one (SPEC 6.3.2). Ends the sub-connection.</summary>
    DomainCharacter,

    /// <summary>A CreditUpdate without Extra Data (SPEC 6.3.6). Ends the sub-connection.</summary>
    CreditWithoutData,

    /// <summary>A CreditUpdate whose Extra Data has neither 2 nor 4 bytes (SPEC 6.3.6). Ends the sub-connection.</summary>
    CreditLength,

    /// <summary>A CreditUpdate by 0 (SPEC 6.3.6). Ends the sub-connection.</summary>
    CreditZero,

    /// <summary>A datagram address whose network is not UDP (SPEC 7.2). Ends the sub-connection.</summary>
    DatagramNetwork,

    /// <summary>A datagram address that runs past the payload (SPEC 7.2). Ends the sub-connection.</summary>
    DatagramTruncated,
}
