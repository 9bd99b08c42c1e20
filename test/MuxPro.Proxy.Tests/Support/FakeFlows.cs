using System.Net;
using System.Threading.Channels;
using MuxPro.Proxy.Hosting;
using MuxPro.Proxy.Inbounds;
using MuxPro.Proxy.Outbounds;
using MuxPro.Proxy.Shared;

namespace MuxPro.Proxy.Tests.Support;

/// <summary>A port for applications whose flows of datagrams end in the test.</summary>
internal sealed class FakeFlows : Outbound
{
    private readonly Channel<(FakeFlow Flow, ulong GlobalId)> _opened = Channel.CreateUnbounded<(FakeFlow, ulong)>();
    private readonly SocketListener _listener;

    public FakeFlows(InboundOptions? options = null)
        : base("fake", TimeProvider.System)
    {
        Options = options ?? new InboundOptions();
        var inbound = new ProxyInbound(new OneOutbound(this, Log, Options.TimeProvider).DispatcherOf, Options, Log);
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

    /// <summary>Gets each flow before it is open.</summary>
    public Action<FakeFlow>? Opening { get; set; }

    /// <summary>How many attempts there were.</summary>
    public int Attempts { get; private set; }

    public async Task<(FakeFlow Flow, ulong GlobalId)> OpenedAsync()
        => await _opened.Reader.ReadAsync(TestContext.Current.CancellationToken);

    public override ValueTask<Link> DispatchAsync(Destination destination, byte priority, CancellationToken cancellationToken)
        => throw new NotSupportedException();

    public override ValueTask<DatagramLink> OpenFlowAsync(Destination first, DatagramOptions options, CancellationToken cancellationToken)
    {
        Attempts++;
        if (Failure is not null)
        {
            return ValueTask.FromException<DatagramLink>(Failure);
        }

        var flow = new FakeFlow(first, IsFullCone);
        Opening?.Invoke(flow);
        _opened.Writer.TryWrite((flow, options.GlobalId));
        return ValueTask.FromResult<DatagramLink>(flow);
    }

    protected override async ValueTask CloseAsync()
    {
        await _listener.DisposeAsync();
        Log.AssertNothingUnexpected();
    }

    /// <summary>What a lost main connection looks like.</summary>
    public static async Task<MainConnectionException> LostAsync()
        => await Assert.ThrowsAsync<MainConnectionException>(
            async () => await new DialingWorkerFactory(_ => throw new IOException("down")).CreateAsync());
}
