#:project ../src/MuxPro/MuxPro.csproj
using MuxPro;

// Client and server in one process: a link in memory is the main connection.
(Link near, Link far) = Link.CreatePair();
Task serving = EchoAsync(far);

await using (ClientManager client = MuxClient.Connect(_ => ValueTask.FromResult(near)))
{
    await using Session session = await client.OpenAsync(Destination.Tcp("echo.example", 7));
    await session.Output.WriteAsync("Hello, Mux.Pro!"u8.ToArray());
    session.CompleteWrites();
    Console.WriteLine($"client: {await new StreamReader(session.AsStream()).ReadToEndAsync()}");
}

await serving;

static Task EchoAsync(Link link) => new Server().RunAsync(link, async (session, aborted) =>
{
    Console.WriteLine($"server: sub-connection {session.Id} to {session.Destination}");
    await session.Input.CopyToAsync(session.Output, aborted);
});
