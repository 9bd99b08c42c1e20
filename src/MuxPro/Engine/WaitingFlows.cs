using MuxPro.Sessions;

namespace MuxPro.Engine;

/// <summary>
/// Flows of datagrams that have come to their end but for what waits for credit. The other end may never grant it, so what waits is given
/// up after a while (<see cref="ISessionSender.TryGiveUp"/>). Guarded by the gate.
/// </summary>
internal sealed class WaitingFlows
{
    private readonly List<Session> _flows = [];

    /// <summary>Adds a flow, unless it waits already.</summary>
    public void Add(Session flow)
    {
        if (!_flows.Contains(flow))
        {
            _flows.Add(flow);
        }
    }

    /// <summary>Drops what has waited for too long.</summary>
    /// <param name="cutter">Takes the flows that come to their End now.</param>
    /// <param name="dropped">How many datagrams were dropped: the caller reports them, without a lock.</param>
    /// <returns>Whether there is something to send.</returns>
    public bool GiveUp(FrameCutter cutter, out int dropped)
    {
        dropped = 0;
        bool isDue = false;
        for (int i = _flows.Count - 1; i >= 0; i--)
        {
            Session flow = _flows[i];
            if (flow.State.MaySend)
            {
                bool isEmpty = flow.Sender.TryGiveUp(out int given);
                dropped += given;
                if (!isEmpty)
                {
                    continue;
                }
            }

            _flows.RemoveAt(i);
            cutter.Add(flow);
            isDue = true;
        }

        return isDue;
    }
}
