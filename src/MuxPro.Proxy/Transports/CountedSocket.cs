using System.Net;
using System.Net.Sockets;
using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Shared;

namespace MuxPro.Proxy.Transports;

/// <summary>A socket that connects to others and has a place in the budget for as long as it is open.</summary>
internal sealed class CountedSocket : Socket
{
    private SocketBudget? _budget;

    // The place is taken already.
    private CountedSocket(AddressFamily family, SocketBudget budget)
        : base(family, SocketType.Stream, ProtocolType.Tcp) => _budget = budget;

    private CountedSocket(SocketBudget budget, UnixDomainSocketEndPoint _)
        : base(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) => _budget = budget;

    private CountedSocket(SocketBudget budget, AddressFamily family)
        : base(family, SocketType.Dgram, ProtocolType.Udp) => _budget = budget;

    /// <summary>Makes the socket of a flow of datagrams.</summary>
    /// <exception cref="SessionException">No place is free.</exception>
    public static Socket ForDatagrams(AddressFamily family, SocketBudget budget)
    {
        Take(budget);
        return Create(() => new CountedSocket(budget, family), budget);
    }

    /// <summary>Connects to a target from one of this machine's addresses.</summary>
    /// <exception cref="SessionException">No place is free.</exception>
    public static Task<Socket> ConnectAsync(
        EndPoint target, SocketBudget budget, IPAddress? local, SocketConfiguration options, CancellationToken cancellationToken)
    {
        Take(budget);
        return ConnectAsync(Open(target, budget), target, local, options, cancellationToken);
    }

    /// <summary>Connects to a server, which applications that are here already need: it is not refused.</summary>
    public static Task<Socket> ConnectToServerAsync(
        EndPoint server, SocketBudget budget, IPAddress? local, SocketConfiguration options, CancellationToken cancellationToken)
    {
        budget.Enter();
        return ConnectAsync(Open(server, budget), server, local, options, cancellationToken);
    }

    private static CountedSocket Open(EndPoint target, SocketBudget budget) => Create(
        () => target is UnixDomainSocketEndPoint unix ? new CountedSocket(budget, unix) : new CountedSocket(target.AddressFamily, budget),
        budget);

    private static async Task<Socket> ConnectAsync(
        Socket socket, EndPoint target, IPAddress? local, SocketConfiguration options, CancellationToken cancellationToken)
    {
        try
        {
            if (socket.ProtocolType == ProtocolType.Tcp)
            {
                socket.NoDelay = true;
            }

            SocketSettings.Apply(options, socket);
            if (local is not null)
            {
                socket.Bind(new IPEndPoint(local, 0));
            }

            await socket.ConnectAsync(target, cancellationToken);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        Interlocked.Exchange(ref _budget, null)?.Leave();
    }

    private static void Take(SocketBudget budget)
    {
        if (!budget.TryEnter())
        {
            throw new SessionException(ErrorCode.ResourceExhaustion, $"All {budget.Limit} sockets are in use.");
        }
    }

    private static CountedSocket Create(Func<CountedSocket> create, SocketBudget budget)
    {
        try
        {
            return create();
        }
        catch
        {
            budget.Leave();
            throw;
        }
    }
}
