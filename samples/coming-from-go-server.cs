#:project ../src/MuxPro/MuxPro.csproj
using System.Net;
using System.Net.Sockets;
using MuxPro;

// --- 1. A dispatcher that connects to real targets, in place of the mock ---
using var targetListener = new TcpListener(IPAddress.Loopback, 0);
targetListener.Start();
int targetPort = ((IPEndPoint)targetListener.LocalEndpoint).Port;
Task target = AnswerAsync();

// --- 2. Create Mux.Pro Server Instance ---
var muxServer = new Server(new LoggingDispatcher(new DirectDispatcher()));

// --- 3. An incoming main connection: the inbound's connection is for mux.pro:9527 ---
using var inboundListener = new TcpListener(IPAddress.Loopback, 0);
inboundListener.Start();
int inboundPort = ((IPEndPoint)inboundListener.LocalEndpoint).Port;
Task inbound = ServeAsync();

// The other end, so that something comes in.
await using (ClientManager client = MuxClient.Connect(ct => Link.ConnectTcpAsync("127.0.0.1", inboundPort, ct)))
{
    await using Session session = await client.OpenAsync(Destination.Tcp("127.0.0.1", targetPort));
    await session.Output.WriteAsync("Initial data from client"u8.ToArray());
    session.CompleteWrites();
    Console.WriteLine($"Client received: {await new StreamReader(session.AsStream()).ReadToEndAsync()}");
}

await Task.WhenAll(target, inbound);

async Task ServeAsync()
{
    Link incoming = Link.FromSocket(await inboundListener.AcceptSocketAsync());
    Link mainConnection = await muxServer.DispatchAsync(Destination.MuxPro);
    Console.WriteLine("Mux.Pro server successfully dispatched main connection.");
    await Relay.RunAsync(incoming, mainConnection); // or, without a dispatch: await muxServer.RunAsync(incoming)
}

async Task AnswerAsync()
{
    await using Link link = Link.FromSocket(await targetListener.AcceptSocketAsync());
    string data = await new StreamReader(link.Input.AsStream()).ReadToEndAsync();
    Console.WriteLine($"Target received application data from sub-connection: {data}");
    await link.Output.WriteAsync("Response from server application"u8.ToArray());
    await link.Output.CompleteAsync();
}

internal sealed class LoggingDispatcher(IDispatcher inner) : IDispatcher
{
    public ValueTask<Link> DispatchAsync(Destination destination, CancellationToken cancellationToken = default)
    {
        Console.WriteLine($"Dispatching to {destination.Host}...");
        return inner.DispatchAsync(destination, cancellationToken);
    }
}
