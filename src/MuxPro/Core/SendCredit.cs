using MuxPro.Protocol;

namespace MuxPro.Core;

/// <summary>How many payload bytes one sub-connection may still send (SPEC 6.3.6). Not thread-safe.</summary>
/// <param name="initial">Bytes to start with.</param>
internal struct SendCredit(int initial)
{
    /// <summary>SPEC 6.3.6: what both ends start each sub-connection with, in each direction.</summary>
    public const int Initial = PeerLimits.DefaultInitialWindow;

    /// <summary>SPEC 9: Mux.Cool has no credit.</summary>
    public const int Unlimited = int.MaxValue;

    private readonly bool _isUnlimited = initial == Unlimited;

    public SendCredit()
        : this(Initial)
    {
    }

    /// <summary>Bytes that may be sent now.</summary>
    public int Available { get; private set; } = initial;

    /// <summary>Adds what the other end granted.</summary>
    public void Grant(uint increment)
        // SPEC 6.3.6: credit saturates at 2^31 - 1 and never wraps; the prototype grants without limit.
        => Available = (int)Math.Min(int.MaxValue, Available + (long)increment);

    /// <summary>Takes credit for a frame.</summary>
    /// <returns>How many of the <paramref name="wanted"/> bytes may be sent.</returns>
    public int Take(int wanted)
    {
        int taken = Math.Min(wanted, Available);
        Available -= _isUnlimited ? 0 : taken;
        return taken;
    }
}
