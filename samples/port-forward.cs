// Forwards a local port through a client and a server to a target, like `ssh -L`: application -> port -> client -> main connection ->
// server -> target.
//
//   dotnet run samples/port-forward.cs server 9527                              takes main connections on port 9527
//   dotnet run samples/port-forward.cs 8080 localhost:9527 example.com:80       forwards port 8080 to example.com:80 through it
//
// `dotnet run samples/port-forward.cs` alone does both in one process, with a target of its own, and prints:
//
//   The target heard: Hello through the tunnel!
//   The application heard: HELLO THROUGH THE TUNNEL!
#:project ../src/MuxPro/MuxPro.csproj
using System.Net;
using System.Net.Sockets;
using MuxPro;

using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, key) =>
{
    key.Cancel = true;
    stop.Cancel();
};

switch (args)
{
    case ["server", var port]:
        await ServeAsync(Listen(int.Parse(port)));
        break;
    case [var port, var relay, var target] when Destination.TryParse(relay, out Destination? server):
        await ForwardAsync(Listen(int.Parse(port)), server, Destination.Parse(target));
        break;
    case []:
        await DemonstrateAsync();
        break;
    default:
        Console.Error.WriteLine("usage: port-forward.cs [server PORT | PORT RELAY-HOST:PORT TARGET-HOST:PORT]");
        return 2;
}

return 0;

// The client: each connection to the port becomes a sub-connection.
async Task ForwardAsync(TcpListener listener, Destination server, Destination target)
{
    await using ClientManager client = MuxClient.Connect(ct => Link.ConnectTcpAsync(server.Host, server.Port, ct));
    await AcceptAsync(listener, async socket => await Relay.RunAsync(
        Link.FromSocket(socket), await client.DispatchAsync(target, stop.Token), stop.Token));
}

// The server: each connection to its port is a main connection.
Task ServeAsync(TcpListener listener)
    => AcceptAsync(listener, socket => new Server(new DirectDispatcher()).RunAsync(Link.FromSocket(socket), stop.Token));

async Task AcceptAsync(TcpListener listener, Func<Socket, Task> serve)
{
    using (listener)
    {
        try
        {
            while (true)
            {
                _ = serve(await listener.AcceptSocketAsync(stop.Token));
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped by Ctrl-C, or at the end of the demonstration.
        }
    }
}

async Task DemonstrateAsync()
{
    using TcpListener target = Listen(0), server = Listen(0), forwarded = Listen(0);
    Task running = Task.WhenAll(ServeAsync(server), ForwardAsync(forwarded, Address(server), Address(target)));

    await using Link application = await Link.ConnectTcpAsync("127.0.0.1", Address(forwarded).Port);
    await application.Output.WriteAsync("Hello through the tunnel!"u8.ToArray());
    await application.Output.CompleteAsync();

    await using Link answering = Link.FromSocket(await target.AcceptSocketAsync());
    string heard = await new StreamReader(answering.Input.AsStream()).ReadToEndAsync();
    Console.WriteLine($"The target heard: {heard}");
    await answering.Output.WriteAsync(System.Text.Encoding.UTF8.GetBytes(heard.ToUpperInvariant()));
    await answering.Output.CompleteAsync();
    Console.WriteLine($"The application heard: {await new StreamReader(application.Input.AsStream()).ReadToEndAsync()}");

    await stop.CancelAsync();
    await running;
}

static TcpListener Listen(int port)
{
    var listener = new TcpListener(IPAddress.Loopback, port);
    listener.Start();
    return listener;
}

static Destination Address(TcpListener listener) => Destination.Tcp(IPAddress.Loopback, ((IPEndPoint)listener.LocalEndpoint).Port);
