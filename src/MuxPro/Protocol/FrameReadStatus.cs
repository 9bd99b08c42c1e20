namespace MuxPro.Protocol;

/// <summary>What came of reading a frame.</summary>
public enum FrameReadStatus
{
    /// <summary>The bytes are the start of a frame; more are needed.</summary>
    NeedMoreData,

    /// <summary>A frame was read.</summary>
    Frame,

    /// <summary>The bytes are no frame, and nothing tells where the next one starts: the main connection cannot go on.</summary>
    Malformed,
}
