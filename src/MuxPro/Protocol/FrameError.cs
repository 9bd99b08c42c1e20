using System.Globalization;

namespace MuxPro.Protocol;

/// <summary>What is wrong with a frame: the cause and the value at fault. Costs nothing until it is put into words.</summary>
/// <param name="Kind">The cause.</param>
/// <param name="Value">The value at fault, for example a length or an id; 0 if the cause has none.</param>
public readonly record struct FrameError(FrameErrorKind Kind, int Value)
{
    /// <summary>The field at fault, in the words of the protocol, for example <c>metadata length</c>.</summary>
    public string Field => Kind switch
    {
        FrameErrorKind.None => "",
        FrameErrorKind.MetadataTooShort or FrameErrorKind.MetadataTooLong or FrameErrorKind.KeepAliveLength => "metadata length",
        FrameErrorKind.UnknownState => "state",
        FrameErrorKind.NegotiationId => "id",
        FrameErrorKind.NegotiationWithoutData or FrameErrorKind.KeepAliveOptions or FrameErrorKind.CreditWithoutData => "options",
        FrameErrorKind.NegotiationEmpty => "version count",
        FrameErrorKind.NegotiationLength or FrameErrorKind.CreditLength => "extra data length",
        FrameErrorKind.UnknownNetwork or FrameErrorKind.DatagramNetwork => "network",
        FrameErrorKind.UnknownAddressType => "address type",
        FrameErrorKind.AddressTruncated or FrameErrorKind.DatagramTruncated => "address",
        FrameErrorKind.DomainEmpty or FrameErrorKind.DomainCharacter => "domain",
        FrameErrorKind.CreditZero => "increment",
        _ => "frame",
    };

    /// <summary>The section of the protocol that says so, for example <c>6.3.1</c>.</summary>
    public string Section => Kind switch
    {
        FrameErrorKind.None => "",
        FrameErrorKind.NegotiationId or FrameErrorKind.NegotiationWithoutData
            or FrameErrorKind.NegotiationEmpty or FrameErrorKind.NegotiationLength => "6.3.1",
        FrameErrorKind.UnknownNetwork or FrameErrorKind.UnknownAddressType or FrameErrorKind.AddressTruncated
            or FrameErrorKind.DomainEmpty or FrameErrorKind.DomainCharacter => "6.3.2",
        FrameErrorKind.KeepAliveOptions or FrameErrorKind.KeepAliveLength => "6.3.5",
        FrameErrorKind.CreditWithoutData or FrameErrorKind.CreditLength or FrameErrorKind.CreditZero => "6.3.6",
        FrameErrorKind.DatagramNetwork or FrameErrorKind.DatagramTruncated => "7.2",
        _ => "6",
    };

    /// <summary>What is wrong, in one sentence with the value at fault. Made anew on each call.</summary>
    public string Message => Kind switch
    {
        FrameErrorKind.None => "",
        FrameErrorKind.MetadataTooShort => Text($"{Value} is less than 4."),
        FrameErrorKind.MetadataTooLong => Text($"{Value} is more than 512."),
        FrameErrorKind.UnknownState => Text($"{Value:x2} is not known."),
        FrameErrorKind.NegotiationId => Text($"NegotiateVersion has {Value} in place of 0."),
        FrameErrorKind.NegotiationWithoutData => Text($"NegotiateVersion has {Value:x2}, so no versions follow."),
        FrameErrorKind.NegotiationEmpty => "NegotiateVersion counts 0 versions.",
        FrameErrorKind.NegotiationLength => Text($"{Value} is too short for the versions that NegotiateVersion counts."),
        FrameErrorKind.KeepAliveOptions => Text($"KeepAlive has {Value:x2} in place of 00."),
        FrameErrorKind.KeepAliveLength => Text($"KeepAlive has {Value} in place of 4."),
        FrameErrorKind.UnknownNetwork => Text($"{Value:x2} is neither TCP nor UDP."),
        FrameErrorKind.UnknownAddressType => Text($"{Value:x2} is not known."),
        FrameErrorKind.AddressTruncated => Text($"It runs past its {Value} bytes."),
        FrameErrorKind.DomainEmpty => "It has 0 bytes.",
        FrameErrorKind.DomainCharacter => Text($"The byte {Value:x2} has no place in it."),
        FrameErrorKind.CreditWithoutData => Text($"CreditUpdate has {Value:x2}, so no increment follows."),
        FrameErrorKind.CreditLength => Text($"CreditUpdate has {Value} in place of 4 or 2."),
        FrameErrorKind.CreditZero => "CreditUpdate grants 0.",
        FrameErrorKind.DatagramNetwork => Text($"A datagram has {Value:x2} in place of 02."),
        FrameErrorKind.DatagramTruncated => Text($"It runs past the {Value} bytes of the datagram."),
        _ => Text($"It is at fault ({Value})."),
    };

    /// <summary>The whole, for example <c>SPEC 6: metadata length: 600 is more than 512.</c></summary>
    public override string ToString() => Kind == FrameErrorKind.None ? "" : $"SPEC {Section}: {Field}: {Message}";

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
