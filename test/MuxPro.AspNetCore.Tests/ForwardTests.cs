using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using MuxPro.AspNetCore.Tests.Support;
using MuxPro.Tests.Support;

namespace MuxPro.AspNetCore.Tests;

/// <summary>What no endpoint takes goes to the dispatcher, streams and datagrams.</summary>
public sealed class ForwardTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Datagrams_GoToTheDispatcher()
    {
        using var echo = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        echo.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var target = (IPEndPoint)echo.LocalEndPoint!;
        await using TestApp app = await StartAsync(new DirectDispatcher());
        await using ClientManager client = app.Connect();
        await using DatagramSession flow = await client.OpenDatagramsAsync(
            Destination.Udp(target.Address, target.Port), cancellationToken: Cancel);
        Assert.True(await flow.SendAsync("question"u8.ToArray(), cancellationToken: Cancel));
        byte[] buffer = new byte[100];
        SocketReceiveFromResult received = await echo.ReceiveFromAsync(buffer, target, Cancel);
        await echo.SendToAsync(buffer.AsMemory(0, received.ReceivedBytes), received.RemoteEndPoint, Cancel);
        Datagram? answer = await flow.ReceiveAsync(Cancel).Guarded();
        Assert.Equal("question"u8.ToArray(), answer!.Value.Data.ToArray());
    }

    [Fact]
    public async Task Destinations_ThatNobodyTakes_AreRefused()
    {
        await using TestApp app = await StartAsync(dispatcher: null);
        await using ClientManager client = app.Connect();
        foreach (string host in (string[])["nobody.internal", "192.0.2.1"])
        {
            var error = await Assert.ThrowsAsync<SessionException>(
                () => client.ConnectAsync(Destination.Tcp(host, 80), cancellationToken: Cancel).AsTask());
            Assert.Equal(ErrorCode.ProxyRejected, error.ErrorCode);
        }

        DatagramSession flow = await client.OpenDatagramsAsync(Destination.Udp("192.0.2.1", 53), cancellationToken: Cancel);
        var refused = await Assert.ThrowsAsync<SessionException>(() => flow.RemoteOpened.Guarded());
        Assert.Equal(ErrorCode.ProxyRejected, refused.ErrorCode);
    }

    private static Task<TestApp> StartAsync(IDispatcher? dispatcher) => TestApp.StartAsync(
        static app => app.MapGet("/", static () => "inside"),
        configure: builder => builder.Services.Configure<MuxServerOptions>(options =>
        {
            if (dispatcher is not null)
            {
                options.UseDispatcher(dispatcher);
            }
        }));
}
