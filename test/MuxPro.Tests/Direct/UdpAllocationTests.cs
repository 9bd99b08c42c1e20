using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using MuxPro.Tests.Support;

namespace MuxPro.Tests;

/// <summary>The steady state of a flow allocates nothing per datagram; measured as in the tests of streams.</summary>
[Collection(nameof(Alone))]
public sealed class UdpAllocationTests
{
    // The smallest object is 24 bytes.
    private const double MostPerDatagram = 8;
    private const int Datagrams = 20_000;
    private const int Rounds = 3;

#if DEBUG
    private const bool IsDebug = true;
#else
    private const bool IsDebug = false;
#endif

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact(Timeout = MuxPair.Guard)]
    public async Task Echo_FromSocketThroughARelayToASocket()
    {
        Assert.SkipWhen(IsDebug, "Without optimisation every asynchronous call allocates.");
        using var application = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        using var echo = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        application.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        echo.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var target = (IPEndPoint)echo.LocalEndPoint!;
        var client = (IPEndPoint)application.LocalEndPoint!;
        var dispatcher = new DirectDispatcher();
        var near = (UdpLink)await dispatcher.DispatchDatagramsAsync(Destination.Udp(client.Address, client.Port), Cancel);
        var far = (UdpLink)await dispatcher.DispatchDatagramsAsync(Destination.Udp(target.Address, target.Port), Cancel);

        using var cancel = new CancellationTokenSource();
        Task<DatagramRelayResult> relay = DatagramRelay.RunAsync(
            new Towards(near, far.Destination), new Towards(far, near.Destination), TimeSpan.FromMinutes(1),
            cancellationToken: cancel.Token);
        SocketAddress entry = new IPEndPoint(IPAddress.Loopback, near.LocalEndPoint.Port).Serialize();
        await Task.Run(() => EchoAsync(application, echo, entry), Cancel);
        double least = double.MaxValue;
        for (int round = 0; round < Rounds; round++)
        {
            long before = GC.GetTotalAllocatedBytes(precise: true);
            await Task.Run(() => EchoAsync(application, echo, entry), Cancel);
            least = Math.Min(least, (GC.GetTotalAllocatedBytes(precise: true) - before) / (double)Datagrams);
        }

        await cancel.CancelAsync();
        Assert.Equal(DatagramRelayEnd.Cancelled, (await relay).End);
        TestContext.Current.TestOutputHelper?.WriteLine($"{least:f2} bytes per datagram");
        Assert.InRange(least, 0, MostPerDatagram);
    }

    private static async Task EchoAsync(Socket application, Socket echo, SocketAddress entry)
    {
        byte[] data = new byte[1350];
        byte[] answer = new byte[2048];
        byte[] received = new byte[2048];
        var source = new SocketAddress(AddressFamily.InterNetwork);
        var unused = new SocketAddress(AddressFamily.InterNetwork);
        for (int i = 0; i < Datagrams; i++)
        {
            await application.SendToAsync(data, SocketFlags.None, entry);
            int length = await echo.ReceiveFromAsync(received, SocketFlags.None, source);
            await echo.SendToAsync(received.AsMemory(0, length), SocketFlags.None, source);
            await application.ReceiveFromAsync(answer, SocketFlags.None, unused);
        }
    }

    /// <summary>A flow that is the application's side of a relay: what it receives goes to a target.</summary>
    private sealed class Towards(UdpLink inner, Destination target) : DatagramLink
    {
        public override Destination Destination => inner.Destination;

        public override bool IsFullCone => true;

        [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
        public override async ValueTask<Datagram?> ReceiveAsync(CancellationToken cancellationToken = default)
            => await inner.ReceiveAsync(cancellationToken) is { } datagram ? new Datagram(datagram.Data, target) : null;

        public override ValueTask<bool> SendAsync(
            ReadOnlyMemory<byte> data, Destination? address = null, CancellationToken cancellationToken = default)
            => inner.SendAsync(data, address, cancellationToken);

        public override void Abort(Exception? reason = null) => inner.Abort(reason);

        public override ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
