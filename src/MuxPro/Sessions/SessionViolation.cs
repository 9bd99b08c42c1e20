namespace MuxPro.Sessions;

/// <summary>What the other end did that one sub-connection does not allow.</summary>
/// <param name="Code">What the sub-connection is ended with.</param>
/// <param name="Message">What happened, with the section of the specification.</param>
internal sealed record SessionViolation(ErrorCode Code, string Message)
{
    /// <summary>SPEC 6.3.6: data beyond the credit ends the sub-connection with 0003.</summary>
    public static SessionViolation OverCredit { get; } = new(ErrorCode.ProtocolError, "More data than credit (SPEC 6.3.6).");

    /// <summary>Too much waits for applications, in all sub-connections together.</summary>
    public static SessionViolation TooMuchUnread(long most) => new(
        ErrorCode.ResourceExhaustion, $"More than {most} bytes wait unread on the main connection ({nameof(MuxOptions.MaxBuffered)}).");
}
