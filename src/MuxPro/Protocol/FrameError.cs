using System.Globalization;

namespace MuxPro.Protocol;

/// <summary>What is wrong with a frame: the cause and the value at fault. Costs nothing until it is put into words.</summary>
/// <param name="Kind">The cause.</param>
/// <param name="Value">The value at fault, for example a length or an id; 0 if the cause has none.</param>
public readonly record struct FrameError(FrameErrorKind Kind, int Value)
{
    // One row per cause, in the order of FrameErrorKind.
    private static readonly Row[] Rows =
    [
        new(FrameErrorKind.None, "", "", ""),
        new(FrameErrorKind.MetadataTooShort, "6", "metadata length", "{0} is less than 4."),
        new(FrameErrorKind.MetadataTooLong, "6", "metadata length", "{0} is more than 512."),
        new(FrameErrorKind.UnknownState, "6", "state", "{0:x2} is not known."),
        new(FrameErrorKind.NegotiationId, "6.3.1", "id", "NegotiateVersion has {0} in place of 0."),
        new(FrameErrorKind.NegotiationWithoutData, "6.3.1", "options", "NegotiateVersion has {0:x2}, so no versions follow."),
        new(FrameErrorKind.NegotiationEmpty, "6.3.1", "version count", "NegotiateVersion counts 0 versions."),
        new(FrameErrorKind.NegotiationLength, "6.3.1", "extra data length", "{0} is too short for the versions that it counts."),
        new(FrameErrorKind.KeepAliveOptions, "6.3.5", "options", "KeepAlive has {0:x2} in place of 00."),
        new(FrameErrorKind.KeepAliveLength, "6.3.5", "metadata length", "KeepAlive has {0} in place of 4."),
        new(FrameErrorKind.UnknownNetwork, "6.3.2", "network", "{0:x2} is neither TCP nor UDP."),
        new(FrameErrorKind.UnknownAddressType, "6.3.2", "address type", "{0:x2} is not known."),
        new(FrameErrorKind.AddressTruncated, "6.3.2", "address", "It runs past its {0} bytes."),
        new(FrameErrorKind.DomainEmpty, "6.3.2", "domain", "It has 0 bytes."),
        new(FrameErrorKind.DomainCharacter, "6.3.2", "domain", "The byte {0:x2} has no place in it."),
        new(FrameErrorKind.CreditWithoutData, "6.3.6", "options", "CreditUpdate has {0:x2}, so no increment follows."),
        new(FrameErrorKind.CreditLength, "6.3.6", "extra data length", "CreditUpdate has {0} in place of 4 or 2."),
        new(FrameErrorKind.CreditZero, "6.3.6", "increment", "CreditUpdate grants 0."),
        new(FrameErrorKind.DatagramNetwork, "7.2", "network", "A datagram has {0:x2} in place of 02."),
        new(FrameErrorKind.DatagramTruncated, "7.2", "address", "It runs past the {0} bytes of the datagram."),
    ];

    /// <summary>The field at fault, in the words of the protocol, for example <c>metadata length</c>.</summary>
    public string Field => This.Field;

    /// <summary>The section of the protocol that says so, for example <c>6.3.1</c>.</summary>
    public string Section => This.Section;

    /// <summary>What is wrong, in one sentence with the value at fault. Made anew on each call.</summary>
    public string Message => string.Format(CultureInfo.InvariantCulture, This.Message, Value);

    private Row This => (int)Kind < Rows.Length ? Rows[(int)Kind] : new Row(Kind, "6", "frame", "It is at fault ({0}).");

    /// <summary>The whole, for example <c>SPEC 6: metadata length: 600 is more than 512.</c></summary>
    public override string ToString() => Kind == FrameErrorKind.None ? "" : $"SPEC {Section}: {Field}: {Message}";

    private readonly record struct Row(FrameErrorKind Kind, string Section, string Field, string Message);
}
