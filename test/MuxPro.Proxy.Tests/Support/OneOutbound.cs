using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Dispatch;
using MuxPro.Proxy.Outbounds;

namespace MuxPro.Proxy.Tests.Support;

/// <summary>Rules by which everything takes one outbound.</summary>
internal sealed class OneOutbound : ISnapshots
{
    public OneOutbound(Outbound outbound, LogCollector log, TimeProvider? time = null)
    {
        TimeProvider = time ?? TimeProvider.System;
        AccessLog = new AccessLog(log);
        var configuration = new DaemonConfiguration
        {
            Outbounds = [new OutboundConfiguration { Tag = outbound.Tag, Settings = new BlockOutboundSettings() }],
        };
        Current = new Snapshot(configuration, (_, _) => outbound, TimeProvider, log);
    }

    public Snapshot Current { get; }

    public AccessLog AccessLog { get; }

    public TimeProvider TimeProvider { get; }

    public RoutedDispatcher DispatcherOf(SessionSource source) => new(this, source);

    /// <summary>A flow that outlives its ways.</summary>
    public RoutedDatagramLink Open(Destination first, DatagramOptions options)
        => (RoutedDatagramLink)DispatcherOf(new SessionSource("test", null, null)).OpenFlow(first, options, static (_, _) => { });
}
