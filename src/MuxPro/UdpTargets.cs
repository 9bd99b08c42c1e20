using System.Net;
using System.Net.Sockets;

namespace MuxPro;

/// <summary>
/// Where the datagrams of a flow go: addresses at once, names when they are found. A name that is slow to find keeps its own few datagrams waiting
/// and nobody else's. Safe to use from many threads.
/// </summary>
/// <param name="family">The socket's.</param>
/// <param name="finder">Finds and judges the addresses of a target.</param>
/// <param name="send">Sends at once; says whether the datagram was taken.</param>
/// <param name="dropped">Counts datagrams that were not sent.</param>
/// <param name="time">The clock.</param>
internal sealed class UdpTargets(
    AddressFamily family, Func<Destination, CancellationToken, ValueTask<IPAddress[]>> finder, UdpTargets.SendNow send, Action<long> dropped,
    TimeProvider time) : IDisposable
{
    /// <summary>Sends a datagram at once.</summary>
    public delegate bool SendNow(ReadOnlySpan<byte> data, SocketAddress target);

    private const int MaxKnown = 256;
    private const int MaxWaiting = 16; // datagrams per name
    private const int MaxWaitingBytes = 128 * 1024; // of all names together
    private const int MaxSearches = 16; // names that are looked for at once

    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan FindTimeout = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _stop = new();

    // Guarded by _gate.
    private readonly Dictionary<Destination, Target> _known = [];
    private int _waitingBytes;
    private int _searches;

    private Target? _last; // most flows have one target

    /// <summary>Adds a target whose address is known, and stays.</summary>
    public void Add(Destination destination, IPAddress address)
    {
        var target = new Target(destination, long.MaxValue) { Address = ToSocketAddress(address, destination.Port) };
        lock (_gate)
        {
            _known[destination] = target;
        }
    }

    /// <summary>Sends a datagram, or keeps it until the address of its target is found.</summary>
    /// <returns>Whether it was taken; otherwise it was counted as dropped.</returns>
    public bool Send(ReadOnlyMemory<byte> data, Destination destination)
    {
        Target? target = Volatile.Read(ref _last);
        if (target is null || !ReferenceEquals(target.Destination, destination) || time.GetTimestamp() >= target.Until)
        {
            target = Find(destination);
            Volatile.Write(ref _last, target);
        }

        bool isTaken;
        if (target.Address is { } address)
        {
            isTaken = send(data.Span, address);
        }
        else
        {
            lock (_gate)
            {
                isTaken = target.Waiting?.Count < MaxWaiting && _waitingBytes + data.Length <= MaxWaitingBytes;
                if (isTaken)
                {
                    target.Waiting!.Add(data.ToArray());
                    _waitingBytes += data.Length;
                }
            }
        }

        if (!isTaken)
        {
            dropped(1);
        }

        return isTaken;
    }

    public void Dispose() => _stop.Cancel();

    private Target Find(Destination destination)
    {
        Target? target;
        lock (_gate)
        {
            long now = time.GetTimestamp();
            if (_known.TryGetValue(destination, out target) && now < target.Until)
            {
                return target;
            }

            if (_known.Count >= MaxKnown)
            {
                // Who talks to so many talks to each of them rarely: those that wait for their names stay.
                foreach ((Destination known, _) in _known.Where(static entry => entry.Value is { Waiting: null, Until: < long.MaxValue }).ToArray())
                {
                    _known.Remove(known);
                }
            }

            if (destination.Address is null && _searches == MaxSearches)
            {
                // Who sends to names that nobody finds must not fill the memory, nor the line in front of the resolver. It is looked for with its next datagram.
                return new Target(destination, now);
            }

            _searches++;
            target = new Target(destination, now + (long)(Lifetime.TotalSeconds * time.TimestampFrequency)) { Waiting = [] };
            if (_known.Count < MaxKnown)
            {
                _known[destination] = target;
            }
        }

        _ = FindAsync(target);
        return target;
    }

    private async Task FindAsync(Target target)
    {
        SocketAddress? address = null;
        try
        {
            using var timeout = new CancellationTokenSource(FindTimeout, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, _stop.Token);
            IPAddress[] addresses = await finder(target.Destination, either.Token).ConfigureAwait(false);
            address = ToSocketAddress(addresses[0], target.Destination.Port);
        }
        catch (Exception exception) when (exception is SessionException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // Not found, or not allowed: what is sent there is dropped until it is looked for again.
        }

        List<byte[]> waiting;
        lock (_gate)
        {
            _searches--;
            waiting = target.Waiting!;
            _waitingBytes -= waiting.Sum(static data => data.Length);
            target.Waiting = null;
            target.Address = address;
        }

        long lost = 0;
        foreach (byte[] data in waiting)
        {
            lost += address is not null && send(data, address) ? 0 : 1;
        }

        if (lost > 0)
        {
            dropped(lost);
        }
    }

    private SocketAddress? ToSocketAddress(IPAddress address, int port)
    {
        if (address.AddressFamily != family)
        {
            if (family != AddressFamily.InterNetworkV6)
            {
                // No IPv6 on this machine.
                return null;
            }

            address = address.MapToIPv6();
        }

        return new IPEndPoint(address, port).Serialize();
    }

    private sealed class Target(Destination destination, long until)
    {
        public Destination Destination => destination;

        public long Until => until;

        /// <summary>Its address; <see langword="null"/> while it is not found, or where it is not to be reached.</summary>
        public SocketAddress? Address { get; set; }

        /// <summary>Datagrams that wait for the address; <see langword="null"/> once it was looked for. Guarded by the gate.</summary>
        public List<byte[]>? Waiting { get; set; }
    }
}
