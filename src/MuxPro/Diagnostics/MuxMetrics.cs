using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;

namespace MuxPro.Diagnostics;

/// <summary>The instruments of the meter "MuxPro".</summary>
internal sealed class MuxMetrics
{
    private static readonly MuxMetrics Shared = new(new Meter(MeterName));
    private static readonly ConditionalWeakTable<IMeterFactory, MuxMetrics> ByFactory = [];

    public const string MeterName = "MuxPro";

    private readonly UpDownCounter<long> _activeConnections;
    private readonly UpDownCounter<long> _activeSessions;
    private readonly Histogram<double> _connectionDuration;
    private readonly Histogram<double> _sessionDuration;
    private readonly Counter<long> _bytes;
    private readonly Counter<long> _droppedDatagrams;

    private MuxMetrics(Meter meter)
    {
        _activeConnections = meter.CreateUpDownCounter<long>(
            "muxpro.active_connections", "{connection}", "Main connections that are open.");
        _activeSessions = meter.CreateUpDownCounter<long>("muxpro.active_sessions", "{session}", "Sub-connections that are open.");
        _connectionDuration = meter.CreateHistogram<double>("muxpro.connection.duration", "s", "How long main connections lived.");
        _sessionDuration = meter.CreateHistogram<double>("muxpro.session.duration", "s", "How long sub-connections lived.");
        _bytes = meter.CreateCounter<long>("muxpro.io", "By", "Bytes on main connections, by direction.");
        _droppedDatagrams = meter.CreateCounter<long>(
            "muxpro.datagrams.dropped", "{datagram}", "Datagrams that found no room or no credit, by direction.");
    }

    public static MuxMetrics For(MuxOptions options)
        => options.MeterFactory is { } factory
            ? ByFactory.GetValue(factory, static factory => new MuxMetrics(factory.Create(MeterName)))
            : Shared;

    /// <summary>Counts a main connection that starts.</summary>
    /// <returns>Whether it was counted: only then its end is, so that each +1 has its -1.</returns>
    public bool ConnectionOpened(bool isClient)
    {
        if (!_activeConnections.Enabled && !_connectionDuration.Enabled)
        {
            return false;
        }

        _activeConnections.Add(1, Role(isClient));
        return true;
    }

    public void ConnectionEnded(bool isClient, MainConnectionEnd reason, TimeSpan duration)
    {
        _activeConnections.Add(-1, Role(isClient));
        _connectionDuration.Record(duration.TotalSeconds, Role(isClient), new("error.type", reason.ToString()));
    }

    public void SessionOpened() => _activeSessions.Add(1);

    public void SessionEnded(ErrorCode code, TimeSpan duration)
    {
        _activeSessions.Add(-1);
        if (_sessionDuration.Enabled)
        {
            var tags = new TagList { { "error.type", code.ToString() } };
            _sessionDuration.Record(duration.TotalSeconds, tags);
        }
    }

    public void DatagramDropped(bool isSent)
        => _droppedDatagrams.Add(1, new KeyValuePair<string, object?>("direction", isSent ? "sent" : "received"));

    public void Sent(int bytes)
    {
        if (_bytes.Enabled)
        {
            _bytes.Add(bytes, new KeyValuePair<string, object?>("direction", "sent"));
        }
    }

    public void Received(int bytes)
    {
        if (_bytes.Enabled)
        {
            _bytes.Add(bytes, new KeyValuePair<string, object?>("direction", "received"));
        }
    }

    private static KeyValuePair<string, object?> Role(bool isClient) => new("role", isClient ? "client" : "server");
}
