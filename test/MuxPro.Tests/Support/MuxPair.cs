using System.Threading.Channels;
using MuxPro.Sessions;

namespace MuxPro.Tests.Support;

/// <summary>Both ends of a main connection, joined by a link of a kind.</summary>
internal sealed class MuxPair : IAsyncDisposable
{
    /// <summary>Milliseconds after which a test that hangs is given up.</summary>
    public const int Guard = 30_000;

    private static readonly ClientStrategy NoLimits = new() { MaxConcurrency = ushort.MaxValue, MaxConnection = 0 };

    private readonly Channel<Session> _incoming;

    private MuxPair(ClientWorker client, ServerWorker server, Channel<Session> incoming)
    {
        Client = client;
        Server = server;
        _incoming = incoming;
    }

    /// <summary>Every way to join two ends.</summary>
    public static TheoryData<Wiring> Wirings { get; } = [.. Enum.GetValues<Wiring>()];

    /// <summary>Each wiring, with the client and with the server as the side that a test is about.</summary>
    public static MatrixTheoryData<Wiring, bool> BothSides { get; } = new(Enum.GetValues<Wiring>(), [false, true]);

    public ClientWorker Client { get; }

    public ServerWorker Server { get; }

    public static async Task<MuxPair> ConnectAsync(
        Wiring wiring = Wiring.Memory, MuxOptions? options = null, MuxOptions? serverOptions = null)
    {
        (Link client, Link server) = await Support.Wirings.ConnectAsync(wiring, TestContext.Current.CancellationToken);
        return await OverAsync(client, server, options, serverOptions);
    }

    public static async Task<MuxPair> OverAsync(Link client, Link server, MuxOptions? options = null, MuxOptions? serverOptions = null)
    {
        options ??= new MuxOptions();
        var incoming = Channel.CreateUnbounded<Session>();
        var worker = new ServerWorker(server, incoming.Writer, serverOptions ?? options, new ServerContext { AcceptsDatagrams = true });
        return new MuxPair(
            await ClientWorker.StartAsync(client, NoLimits, options, TestContext.Current.CancellationToken), worker, incoming);
    }

    /// <summary>Opens a sub-connection and takes it at the other end.</summary>
    public async Task<(Session Near, Session Far)> OpenAsync(byte priority = Session.DefaultPriority)
    {
        Session near = Open(priority);
        Session far = await AcceptAsync();
        Assert.Equal(near.Id, far.Id);
        return (near, far);
    }

    /// <summary>Opens a flow of datagrams and takes it at the other end.</summary>
    public async Task<(DatagramSession Near, DatagramSession Far)> OpenDatagramsAsync(ulong globalId = 0)
    {
        Assert.True(Client.TryReserve());
        DatagramSession near = Client.OpenDatagrams(Destination.Udp("target.example", 53), new DatagramOptions { GlobalId = globalId });
        return (near, (await AcceptAsync()).AsDatagrams());
    }

    /// <summary>Opens a sub-connection; <see cref="AcceptAsync"/> takes it.</summary>
    public Session Open(byte priority = Session.DefaultPriority)
    {
        if (!Client.TryReserve())
        {
            throw Client.Failure ?? throw new InvalidOperationException("The client is full.");
        }

        return Client.Open(Destination.Tcp("target.example", 80), priority);
    }

    public ValueTask<Session> AcceptAsync() => _incoming.Reader.ReadAsync(TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync()
    {
        await Client.DisposeAsync();
        await Server.DisposeAsync();
        while (_incoming.Reader.TryRead(out Session? session))
        {
            await session.DisposeAsync();
        }
    }
}

/// <summary>Short words for what tests say often.</summary>
internal static class SessionExtensions
{
    public static async Task WriteAsync(this Session session, ReadOnlyMemory<byte> bytes)
        => await session.Output.WriteAsync(bytes, TestContext.Current.CancellationToken);

    /// <summary>Reads until an error and checks what came before it.</summary>
    public static async Task<(long Read, T Error)> ReadToErrorAsync<T>(this Session session, Payload payload)
        where T : Exception
    {
        long read = 0;
        T error = await Assert.ThrowsAsync<T>(async () =>
        {
            while (true)
            {
                System.IO.Pipelines.ReadResult result = await session.Input.ReadAsync(TestContext.Current.CancellationToken);
                read += payload.Check(read, result.Buffer);
                session.Input.AdvanceTo(result.Buffer.End);
                Assert.False(result.IsCompleted, "An end of stream instead of an error.");
            }
        });
        return (read, error);
    }

    /// <summary>Bytes by which the windows of a main connection have grown.</summary>
    public static long WindowGrowth(this Session session)
    {
        SessionContext context = session.Context;
        return context.Options.WindowBudget - context.WindowBudget.Left;
    }
}
