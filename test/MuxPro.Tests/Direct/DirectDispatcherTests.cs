using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Time.Testing;

namespace MuxPro.Tests;

public sealed class DirectDispatcherTests
{
    private static readonly IPAddress Public = IPAddress.Parse("8.8.8.8");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("localhost")]
    [InlineData("::ffff:127.0.0.1")]
    public async Task Target_Listening_BytesBothWays(string host)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        int port = ((IPEndPoint)listener.LocalEndpoint).Port;
        await using Link link = await new DirectDispatcher().DispatchAsync(Destination.Tcp(host, port), Cancel);
        using Socket target = await listener.AcceptSocketAsync(Cancel);

        Socket socket = Assert.IsType<StreamLink>(link).Socket!;
        Assert.True(socket.NoDelay);
        Assert.NotEqual(0, socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive));
        Assert.Equal(15, socket.GetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime));
        Assert.Equal(15, socket.GetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval));
        Assert.Equal(port, Assert.IsType<IPEndPoint>(link.RemoteEndPoint).Port);
        await link.AsStream().WriteAsync("ping"u8.ToArray(), Cancel);
        byte[] buffer = new byte[4];
        await using var stream = new NetworkStream(target);
        await stream.ReadExactlyAsync(buffer, Cancel);
        await stream.WriteAsync(buffer, Cancel);
        await link.AsStream().ReadExactlyAsync(buffer, Cancel);
        Assert.Equal("ping"u8.ToArray(), buffer);
    }

    [Fact]
    public async Task LocalAddress_Set_ConnectionsAndDatagramsComeFromIt()
    {
        var local = IPAddress.Parse("127.0.0.9");
        var dispatcher = new DirectDispatcher(new DirectOptions { LocalAddress = local });
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        int port = ((IPEndPoint)listener.LocalEndpoint).Port;
        await using Link link = await dispatcher.DispatchAsync(Destination.Tcp(IPAddress.Loopback, port), Cancel);
        using Socket accepted = await listener.AcceptSocketAsync(Cancel);
        Assert.Equal(local, Assert.IsType<IPEndPoint>(accepted.RemoteEndPoint).Address);

        using var target = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        var destination = Destination.Udp(IPAddress.Loopback, ((IPEndPoint)target.Client.LocalEndPoint!).Port);
        await using DatagramLink flow = await dispatcher.DispatchDatagramsAsync(destination, Cancel);
        Assert.True(await flow.SendAsync("x"u8.ToArray(), cancellationToken: Cancel));
        Assert.Equal(local, (await target.ReceiveAsync(Cancel)).RemoteEndPoint.Address);
    }

    [Theory]
    [InlineData(AddressFamily.InterNetwork, "192.0.2.1")]
    [InlineData(AddressFamily.InterNetworkV6, "2001:db8::1")]
    public async Task AddressFamily_Set_NamesHaveOnlyItsAddresses(AddressFamily family, string expected)
    {
        var dialed = new List<string>();
        var dispatcher = new DirectDispatcher(
            new DirectOptions { AddressFamily = family },
            (_, _) => Task.FromResult(new[] { IPAddress.Parse("2001:db8::1"), IPAddress.Parse("192.0.2.1") }),
            (endPoint, _) =>
            {
                dialed.Add(endPoint.Address.ToString());
                return Task.FromException<Socket>(new SocketException((int)SocketError.ConnectionRefused));
            });
        await FailAsync(dispatcher, Destination.Tcp("name.example", 80));
        Assert.Equal([expected], dialed);
    }

    [Fact]
    public async Task Target_Refuses_Disconnect()
    {
        using var reserved = new Socket(SocketType.Stream, ProtocolType.Tcp);
        reserved.Bind(new IPEndPoint(IPAddress.Loopback, 0)); // taken, but nobody listens
        int port = ((IPEndPoint)reserved.LocalEndPoint!).Port;
        SessionException exception = await FailAsync(new DirectDispatcher(), Destination.Tcp(IPAddress.Loopback, port));
        Assert.Equal(ErrorCode.RemoteDisconnect, exception.ErrorCode);
        Assert.Equal(FailureDetail.ConnectionRefused, exception.Detail);
        Assert.Equal(SocketError.ConnectionRefused, Assert.IsType<SocketException>(exception.InnerException).SocketErrorCode);
        Assert.False(exception.IsRemote);
    }

    [Fact]
    public async Task Name_Unknown_Unreachable()
    {
        var dispatcher = new DirectDispatcher(
            null, (_, _) => Task.FromException<IPAddress[]>(new SocketException((int)SocketError.HostNotFound)));
        SessionException exception = await FailAsync(dispatcher, Destination.Tcp("nowhere.example", 80));
        Assert.Equal(ErrorCode.DestinationUnreachable, exception.ErrorCode);
        Assert.Equal(FailureDetail.NameNotFound, exception.Detail);
        Assert.IsType<SocketException>(exception.InnerException);
    }

    [Fact]
    public async Task Name_WithoutAddress_NotFound()
    {
        SessionException exception = await FailAsync(new DirectDispatcher(null, Resolve()), Destination.Tcp("empty.example", 80));
        Assert.Equal((ErrorCode.DestinationUnreachable, FailureDetail.NameNotFound), (exception.ErrorCode, exception.Detail));
    }

    [Theory]
    [InlineData(SocketError.ConnectionRefused, ErrorCode.RemoteDisconnect, FailureDetail.ConnectionRefused)]
    [InlineData(SocketError.ConnectionReset, ErrorCode.RemoteDisconnect, FailureDetail.None)]
    [InlineData(SocketError.TimedOut, ErrorCode.OperationTimeout, FailureDetail.None)]
    [InlineData(SocketError.HostUnreachable, ErrorCode.DestinationUnreachable, FailureDetail.HostUnreachable)]
    [InlineData(SocketError.NetworkUnreachable, ErrorCode.DestinationUnreachable, FailureDetail.NetworkUnreachable)]
    [InlineData(SocketError.AddressNotAvailable, ErrorCode.DestinationUnreachable, FailureDetail.NetworkUnreachable)]
    [InlineData(SocketError.TooManyOpenSockets, ErrorCode.ResourceExhaustion, FailureDetail.None)]
    [InlineData(SocketError.AccessDenied, ErrorCode.DestinationUnreachable, FailureDetail.None)]
    public async Task Connect_Fails_CauseIsTold(SocketError error, ErrorCode code, FailureDetail detail)
    {
        SessionException exception = await FailAsync(Failing(_ => error), Destination.Tcp("target.example", 80));
        Assert.Equal((code, detail), (exception.ErrorCode, exception.Detail));
        Assert.Equal(error, Assert.IsType<SocketException>(exception.InnerException).SocketErrorCode);
    }

    [Fact]
    public async Task Addresses_FailDifferently_WhatTheHostSaidIsTold()
    {
        DirectDispatcher dispatcher = Failing(
            address => address.AddressFamily == AddressFamily.InterNetworkV6
                ? SocketError.NetworkUnreachable
                : SocketError.ConnectionRefused,
            IPAddress.Parse("2001:4860::1"), Public);
        SessionException exception = await FailAsync(dispatcher, Destination.Tcp("both.example", 80));
        Assert.Equal((ErrorCode.RemoteDisconnect, FailureDetail.ConnectionRefused), (exception.ErrorCode, exception.Detail));
    }

    [Fact]
    public async Task Connecting_TakesTooLong_Timeout()
    {
        var time = new FakeTimeProvider();
        var dispatcher = new DirectDispatcher(new DirectOptions { TimeProvider = time }, Resolve(Public), NeverAsync);
        Task<SessionException> failure = FailAsync(dispatcher, Destination.Tcp("slow.example", 80));
        time.Advance(TimeSpan.FromSeconds(9.9));
        Assert.False(failure.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(0.1));
        Assert.Equal(ErrorCode.OperationTimeout, (await failure).ErrorCode);
    }

    [Fact]
    public async Task Resolving_TakesTooLong_Timeout()
    {
        var time = new FakeTimeProvider();
        var never = new TaskCompletionSource<IPAddress[]>();
        var dispatcher = new DirectDispatcher(
            new DirectOptions { TimeProvider = time, ConnectTimeout = TimeSpan.FromSeconds(3) }, (_, _) => never.Task);
        Task<SessionException> failure = FailAsync(dispatcher, Destination.Tcp("slow.example", 80));
        time.Advance(TimeSpan.FromSeconds(3));
        Assert.Equal(ErrorCode.OperationTimeout, (await failure).ErrorCode);
    }

    [Fact]
    public async Task Caller_Cancels_Cancelled()
    {
        using var cancel = new CancellationTokenSource();
        var dispatcher = new DirectDispatcher(null, Resolve(Public), NeverAsync);
        Task<Link> connecting = dispatcher.DispatchAsync(Destination.Tcp("slow.example", 80), cancel.Token).AsTask();
        await cancel.CancelAsync();
        var exception = await Assert.ThrowsAsync<OperationCanceledException>(() => connecting);
        Assert.Equal(cancel.Token, exception.CancellationToken);
    }

    [Fact]
    public async Task Datagrams_Rejected()
        => Assert.Equal(
            ErrorCode.ProxyRejected, (await FailAsync(new DirectDispatcher(), Destination.Udp(IPAddress.Loopback, 53))).ErrorCode);

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    [InlineData("::ffff:10.0.0.1")]
    [InlineData("64:ff9b::a9fe:a9fe")]
    public async Task Private_Address_Rejected(string address)
    {
        var dispatcher = new DirectDispatcher(new DirectOptions { AllowPrivate = false }, Resolve(), UnexpectedAsync);
        SessionException exception = await FailAsync(dispatcher, Destination.Tcp(address, 80));
        Assert.Equal(ErrorCode.ProxyRejected, exception.ErrorCode);
        Assert.Contains("not public", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("rebind.example")]
    [InlineData("127.1")] // a name to the protocol, an address to the system's resolver
    public async Task Private_Name_RejectedAfterResolution(string name)
    {
        var dispatcher = new DirectDispatcher(
            new DirectOptions { AllowPrivate = false }, Resolve(IPAddress.Loopback, IPAddress.Parse("10.0.0.1")), UnexpectedAsync);
        Assert.Equal(ErrorCode.ProxyRejected, (await FailAsync(dispatcher, Destination.Tcp(name, 80))).ErrorCode);
    }

    [Fact]
    public async Task Private_AndPublic_OnlyPublicDialled()
    {
        var dialled = new List<IPAddress>();
        var dispatcher = new DirectDispatcher(
            new DirectOptions { AllowPrivate = false },
            Resolve(IPAddress.Loopback, Public, IPAddress.IPv6Loopback),
            (endPoint, _) =>
            {
                dialled.Add(endPoint.Address);
                return Task.FromException<Socket>(new SocketException((int)SocketError.ConnectionRefused));
            });
        await FailAsync(dispatcher, Destination.Tcp("both.example", 80));
        Assert.Equal([Public], dialled);
    }

    [Fact]
    public void ConnectTimeout_NotPositive_Refused()
        => Assert.Throws<ArgumentOutOfRangeException>(() => new DirectOptions { ConnectTimeout = TimeSpan.Zero });

    private static DirectDispatcher Failing(Func<IPAddress, SocketError> error, params IPAddress[] addresses) => new(
        null,
        Resolve(addresses.Length == 0 ? [Public] : addresses),
        (endPoint, _) => Task.FromException<Socket>(new SocketException((int)error(endPoint.Address))));

    private static Func<string, CancellationToken, Task<IPAddress[]>> Resolve(params IPAddress[] addresses)
        => (_, _) => Task.FromResult(addresses);

    private static async Task<Socket> NeverAsync(IPEndPoint endPoint, CancellationToken cancellationToken)
    {
        await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
        throw new InvalidOperationException($"{endPoint} was reached.");
    }

    private static Task<Socket> UnexpectedAsync(IPEndPoint endPoint, CancellationToken cancellationToken)
        => throw new InvalidOperationException($"{endPoint} was dialled.");

    private static Task<SessionException> FailAsync(DirectDispatcher dispatcher, Destination destination)
        => Assert.ThrowsAsync<SessionException>(async () => await dispatcher.DispatchAsync(destination, Cancel));
}
