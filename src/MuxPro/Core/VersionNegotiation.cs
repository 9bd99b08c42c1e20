using MuxPro.Protocol;

namespace MuxPro.Core;

/// <summary>Which version a main connection speaks (SPEC 5 and 6.3.1).</summary>
internal static class VersionNegotiation
{
    /// <summary>The highest version that both ends speak: what a server answers.</summary>
    /// <returns><see langword="null"/> when there is none; the main connection is closed then.</returns>
    public static ProtocolVersion? Choose(in Frame offer, IReadOnlyList<ProtocolVersion> spoken)
    {
        ProtocolVersion? best = null;
        for (int i = 0; i < offer.VersionCount; i++)
        {
            ProtocolVersion offered = offer.GetVersion(i);
            if (spoken.Contains(offered) && (best is null || offered > best))
            {
                best = offered;
            }
        }

        return best;
    }

    /// <summary>Reads a server's answer: one version, and one that was offered (SPEC 5).</summary>
    /// <returns><see langword="null"/> when the answer is no such thing; the main connection is closed then.</returns>
    public static ProtocolVersion? CheckAnswer(in Frame answer, IReadOnlyList<ProtocolVersion> offered)
    {
        if (answer.VersionCount != 1)
        {
            return null;
        }

        ProtocolVersion chosen = answer.GetVersion(0);
        return offered.Contains(chosen) ? chosen : null;
    }
}
