#:project ../src/MuxPro/MuxPro.csproj
using System.Net;
using System.Net.Sockets;
using MuxPro;

// --- 1. A real target and a real server on loopback ports, in place of the mock proxy and dialer ---
using var targetListener = new TcpListener(IPAddress.Loopback, 0);
targetListener.Start();
int targetPort = ((IPEndPoint)targetListener.LocalEndpoint).Port;
Task target = AnswerAsync();

using var serverListener = new TcpListener(IPAddress.Loopback, 0);
serverListener.Start();
int serverPort = ((IPEndPoint)serverListener.LocalEndpoint).Port;
Task server = ServeAsync();

// --- 2. Create Client Strategy ---
var clientStrategy = new ClientStrategy
{
    MaxConcurrency = 8, // most sub-connections at once on a main connection
    MaxConnection = 16, // most sub-connections in the life of a main connection
};

// --- 3. Create DialingWorkerFactory ---
var factory = new DialingWorkerFactory(ct => Link.ConnectTcpAsync("127.0.0.1", serverPort, ct), clientStrategy);

// --- 4. Create IncrementalWorkerPicker ---
var picker = new IncrementalWorkerPicker(factory);

// --- 5. Create ClientManager ---
await using (var clientManager = new ClientManager(picker))
{
    // --- 6. Dispatch a new sub-connection for an application's link ---
    (Link application, Link appLink) = Link.CreatePair(bufferSize: 1024);
    Link subConnection = await clientManager.DispatchAsync(Destination.Tcp("127.0.0.1", targetPort));
    Task<RelayResult> relay = Relay.RunAsync(appLink, subConnection);
    Console.WriteLine("Sub-connection dispatched successfully.");

    await application.Output.WriteAsync("Hello from client sub-connection!"u8.ToArray());
    await application.Output.CompleteAsync();
    string received = await new StreamReader(application.AsStream()).ReadToEndAsync();
    Console.WriteLine($"Received from server sub-connection: {received}");

    RelayResult result = await relay;
    Console.WriteLine($"{result.BytesForward} bytes there, {result.BytesBackward} bytes back.");
}

await Task.WhenAll(target, server);

async Task AnswerAsync()
{
    await using Link link = Link.FromSocket(await targetListener.AcceptSocketAsync());
    string question = await new StreamReader(link.Input.AsStream()).ReadToEndAsync();
    Console.WriteLine($"The target received: {question}");
    await link.Output.WriteAsync("Hello from the target!"u8.ToArray());
    await link.Output.CompleteAsync();
}

async Task ServeAsync()
{
    Link link = Link.FromSocket(await serverListener.AcceptSocketAsync());
    await new Server(new DirectDispatcher()).RunAsync(link);
}
