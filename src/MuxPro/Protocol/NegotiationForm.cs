namespace MuxPro.Protocol;

/// <summary>
/// Where a NegotiateVersion counts its versions: the draft draws one way and describes another (SPEC 6.3.1). Both are accepted.
/// </summary>
public enum NegotiationForm
{
    /// <summary>The count is the first byte of the Extra Data. This is what is sent, and all that the prototype reads.</summary>
    CountInData,

    /// <summary>The count is the fifth byte of the metadata, as the draft draws it.</summary>
    CountInMetadata,
}
