namespace MuxPro.Core;

/// <summary>What is to be done for the sake of a <see cref="PeerWatch"/>.</summary>
internal enum PeerAction
{
    /// <summary>Nothing.</summary>
    Nothing,

    /// <summary>Ask the other end for a sign of life.</summary>
    Ping,

    /// <summary>Give a sign of life.</summary>
    KeepAlive,

    /// <summary>The other end has not closed in time after an orderly close: the main connection ends as it would have.</summary>
    Close,

    /// <summary>The main connection fails.</summary>
    Fail,
}

/// <summary>What a <see cref="PeerWatch"/> decides.</summary>
/// <param name="Action">What is to be done.</param>
/// <param name="Reason">Why the main connection fails, where it does.</param>
/// <param name="Message">The same for people.</param>
internal readonly record struct PeerVerdict(PeerAction Action, MainConnectionEnd Reason = default, string Message = "");
