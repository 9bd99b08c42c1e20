using System.Net;
using System.Threading.Channels;
using MuxPro.Proxy.Hosting;
using MuxPro.Proxy.Inbounds;

namespace MuxPro.Proxy.Tests.Support;

/// <summary>A port for applications whose flows of datagrams end in the test.</summary>
internal sealed class FakeFlows : IDispatcher, IAsyncDisposable
{
    private readonly Channel<(FakeFlow Flow, ulong GlobalId)> _opened = Channel.CreateUnbounded<(FakeFlow, ulong)>();
    private readonly SocketListener _listener;

    public FakeFlows(InboundOptions? options = null)
    {
        Options = options ?? new InboundOptions();
        var inbound = new MixedInbound(this, Options, Log);
        _listener = SocketListener.Start(
            new IPEndPoint(IPAddress.Loopback, 0), 100, inbound.ServeAsync, SocketBudget.OfProcess, Log, TimeProvider.System);
    }

    public InboundOptions Options { get; }

    public LogCollector Log { get; } = new();

    public IPEndPoint EndPoint => _listener.EndPoint;

    /// <summary>Whether a flow carries addresses of its own.</summary>
    public bool IsFullCone { get; set; } = true;

    /// <summary>What the next attempts to open a flow end with.</summary>
    public Exception? Failure { get; set; }

    /// <summary>How many attempts there were.</summary>
    public int Attempts { get; private set; }

    public async Task<(FakeFlow Flow, ulong GlobalId)> OpenedAsync() => await _opened.Reader.ReadAsync(TestContext.Current.CancellationToken);

    public ValueTask<Link> DispatchAsync(Destination destination, CancellationToken cancellationToken = default)
        => throw new NotSupportedException();

    public ValueTask<DatagramLink> DispatchDatagramsAsync(Destination first, DatagramOptions options, CancellationToken cancellationToken)
    {
        Attempts++;
        if (Failure is not null)
        {
            return ValueTask.FromException<DatagramLink>(Failure);
        }

        var flow = new FakeFlow(first, IsFullCone);
        _opened.Writer.TryWrite((flow, options.GlobalId));
        return ValueTask.FromResult<DatagramLink>(flow);
    }

    public async ValueTask DisposeAsync()
    {
        await _listener.DisposeAsync();
        Log.AssertNothingUnexpected();
    }

    /// <summary>What a lost main connection looks like.</summary>
    public static async Task<MainConnectionException> LostAsync()
        => await Assert.ThrowsAsync<MainConnectionException>(
            async () => await new DialingWorkerFactory(_ => throw new IOException("down")).CreateAsync());
}
