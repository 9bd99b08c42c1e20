using System.Net;
using System.Net.Sockets;

namespace MuxPro;

/// <summary>Sends now what goes to an address.</summary>
/// <returns>Whether there was room.</returns>
internal delegate bool SendDatagram(ReadOnlySpan<byte> data, SocketAddress to);

/// <summary>
/// The last few targets of a flow, and their addresses. Names are looked up in the background, and what is sent to one meanwhile waits in a
/// queue of its own: no target waits for another one's name.
/// </summary>
internal sealed class UdpTargets : IDisposable
{
    /// <summary>How many targets a flow knows at once.</summary>
    internal const int Most = 16;

    /// <summary>How many names it looks up at once; the other places stay for targets that need no lookup.</summary>
    internal const int MostLookups = 8;

    /// <summary>
    /// How long an unused name keeps its address. Used ones keep it: an exchange does not change sides because its name has many.
    /// </summary>
    internal static readonly TimeSpan NameLifetime = TimeSpan.FromSeconds(60);

    /// <summary>How long a lookup may take, and how long a name that was not found is not asked for again.</summary>
    internal static readonly TimeSpan LookupTimeout = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How long a target is left alone after the socket has refused a datagram for it: a refusal costs more than many datagrams.
    /// </summary>
    internal static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(1);

    private readonly Lock _gate = new();
    private readonly List<UdpTarget> _known = new(1); // guarded by _gate
    private int _lookups; // guarded by _gate
    private readonly CancellationTokenSource _closing = new();
    private readonly CancellationToken _closed;
    private readonly Destination _own;
    private readonly AddressFamily _family;
    private readonly DirectOptions _options;
    private readonly Func<string, CancellationToken, Task<IPAddress[]>> _resolve;
    private readonly SendDatagram _send;
    private readonly Action<long> _drop;
    private volatile SocketAddress? _addressOfDestination;

    public UdpTargets(
        Destination own,
        AddressFamily family,
        DirectOptions options,
        Func<string, CancellationToken, Task<IPAddress[]>> resolve,
        SendDatagram send,
        Action<long> drop)
    {
        _own = own;
        _family = family;
        _options = options;
        _resolve = resolve;
        _send = send;
        _drop = drop;
        _closed = _closing.Token;
    }

    /// <summary>The address of the flow's own destination, which may be a name.</summary>
    public SocketAddress? AddressOfDestination => _addressOfDestination;

    /// <summary>Adds the flow's own destination, whose addresses were found before.</summary>
    /// <returns>Whether the socket can send to one of them.</returns>
    public bool TryAdd(IReadOnlyList<IPAddress> addresses)
    {
        lock (_gate)
        {
            var target = new UdpTarget(_own) { Since = _options.TimeProvider.GetTimestamp() };
            Settle(target, Choose(addresses));
            _known.Add(target);
            return target.Address is not null;
        }
    }

    /// <summary>Sends a datagram, or keeps it until its target's name is looked up.</summary>
    /// <returns>Whether it was taken.</returns>
    public bool TrySend(Destination destination, ReadOnlySpan<byte> data)
    {
        long now = _options.TimeProvider.GetTimestamp();
        UdpTarget? target;
        SocketAddress? address;
        bool isNew;
        bool isTaken;
        lock (_gate)
        {
            target = Find(destination, now, out isNew);
            address = target?.Address;
            isTaken = address is null && target is not null && target.TryQueue(data);
        }

        if (isNew)
        {
            _ = LookUpAsync(target!);
        }

        if (address is null)
        {
            return isTaken;
        }

        if (target!.RefusedAt is { } refused && _options.TimeProvider.GetElapsedTime(refused, now) < Pause)
        {
            return false;
        }

        isTaken = _send(data, address);
        target.RefusedAt = isTaken ? null : now;
        return isTaken;
    }

    /// <summary>Gives up what is looked up; what waits for it is dropped.</summary>
    public void Dispose()
    {
        _closing.Cancel();
        _closing.Dispose();
    }

    private UdpTarget? Find(Destination destination, long now, out bool isLookedUp)
    {
        isLookedUp = false;
        UdpTarget? oldest = null;
        foreach (UdpTarget known in _known)
        {
            if (known.Destination.Equals(destination))
            {
                if (!IsStale(known, now))
                {
                    known.Since = known.Address is null ? known.Since : now;
                    return known;
                }

                oldest = known;
                break;
            }

            if (!known.IsLookingUp && (oldest is null || known.Since < oldest.Since))
            {
                oldest = known;
            }
        }

        isLookedUp = destination.Domain is not null;
        if (isLookedUp && _lookups == MostLookups)
        {
            isLookedUp = false;
            return null;
        }

        if (_known.Count == Most || oldest?.Destination.Equals(destination) == true)
        {
            _known.Remove(oldest!);
        }

        var target = new UdpTarget(destination) { Since = now };
        _known.Add(target);
        if (isLookedUp)
        {
            _lookups++;
            target.StartLookup();
        }
        else
        {
            Settle(target, Choose([destination.Address!]));
        }

        return target;
    }

    private bool IsStale(UdpTarget known, long now)
        => known is { IsLookingUp: false, Destination.Domain: not null }
            && _options.TimeProvider.GetElapsedTime(known.Since, now) >= (known.Address is null ? LookupTimeout : NameLifetime);

    private async Task LookUpAsync(UdpTarget target)
    {
        IPAddress? address = null;
        using (var timeout = new CancellationTokenSource(LookupTimeout, _options.TimeProvider))
        using (var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, _closed))
        {
            try
            {
                address = Choose(await _resolve(target.Destination.Domain!, either.Token).WaitAsync(either.Token).ConfigureAwait(false));
            }
            catch (Exception)
            {
                // Not found, or not in time: what waits is dropped.
            }
        }

        while (true)
        {
            UdpTarget.Waiting next;
            lock (_gate)
            {
                // New ones queue up until all that came before them is on its way.
                if (!target.TryTake(out next))
                {
                    _lookups--;
                    target.Since = _options.TimeProvider.GetTimestamp();
                    Settle(target, address);
                    return;
                }
            }

            if (address is null || !_send(next.Data, Serialize(address, target.Destination.Port)))
            {
                _drop(1);
            }

            next.Return();
        }
    }

    /// <summary>Knows the address now, or that there is none.</summary>
    private void Settle(UdpTarget target, IPAddress? address)
    {
        target.Settle(address is null ? null : Serialize(address, target.Destination.Port));
        if (target.Address is not null && target.Destination.Equals(_own))
        {
            _addressOfDestination = target.Address;
        }
    }

    /// <summary>The first address that is allowed and that the socket can send to.</summary>
    private IPAddress? Choose(IReadOnlyList<IPAddress> addresses)
    {
        foreach (IPAddress address in addresses)
        {
            bool fits = _family == AddressFamily.InterNetworkV6 || address.Unmapped().AddressFamily == _family;
            if (fits && (_options.AllowPrivate || AddressRanges.NotPublic(address) is null))
            {
                return address;
            }
        }

        return null;
    }

    private SocketAddress Serialize(IPAddress address, int port)
    {
        IPAddress fitting = _family == AddressFamily.InterNetworkV6 ? address.MapToIPv6() : address.Unmapped();
        return new IPEndPoint(fitting, port).Serialize();
    }
}
