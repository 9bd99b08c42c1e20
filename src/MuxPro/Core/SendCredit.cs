namespace MuxPro.Core;

/// <summary>How many payload bytes one sub-connection may still send (SPEC 6.3.6). Not thread-safe.</summary>
internal struct SendCredit()
{
    /// <summary>SPEC 6.3.6: what both ends start each sub-connection with, in each direction.</summary>
    public const int Initial = 64 * 1024;

    /// <summary>Bytes that may be sent now.</summary>
    public int Available { get; private set; } = Initial;

    /// <summary>Adds what the other end granted.</summary>
    public void Grant(uint increment)
        // SPEC 6.3.6: credit saturates at 2^31 - 1 and never wraps; the prototype grants without limit.
        => Available = (int)Math.Min(int.MaxValue, Available + (long)increment);

    /// <summary>Takes credit for a frame.</summary>
    /// <returns>How many of the <paramref name="wanted"/> bytes may be sent.</returns>
    public int Take(int wanted)
    {
        int taken = Math.Min(wanted, Available);
        Available -= taken;
        return taken;
    }
}
