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

    /// <summary>The instruments of a host; those of the process where its factory throws, as one does that was disposed.</summary>
    public static MuxMetrics For(MuxOptions options)
    {
        try
        {
            return options.MeterFactory is { } factory
                ? ByFactory.GetValue(factory, static factory => new MuxMetrics(factory.Create(MeterName)))
                : Shared;
        }
        catch (Exception) when (options.MeterFactory is not null)
        {
            return Shared;
        }
    }

    /// <summary>Counts a main connection that starts.</summary>
    /// <returns>Whether it was counted: only then its end is, so that each +1 has its -1.</returns>
    public bool ConnectionOpened(bool isClient)
    {
        if (!_activeConnections.Enabled && !_connectionDuration.Enabled)
        {
            return false;
        }

        Tell(isClient, static (self, isClient) => self._activeConnections.Add(1, Role(isClient)));
        return true;
    }

    public void ConnectionEnded(bool isClient, MainConnectionEnd reason, TimeSpan duration)
    {
        Tell(isClient, static (self, isClient) => self._activeConnections.Add(-1, Role(isClient)));
        Tell(
            (isClient, reason, duration),
            static (self, ended) => self._connectionDuration.Record(
                ended.duration.TotalSeconds, Role(ended.isClient), new("error.type", ended.reason.ToString())));
    }

    public void SessionOpened() => Tell(1, static (self, one) => self._activeSessions.Add(one));

    public void SessionEnded(ErrorCode code, TimeSpan duration)
    {
        Tell(-1, static (self, one) => self._activeSessions.Add(one));
        if (_sessionDuration.Enabled)
        {
            Tell(
                (code, duration),
                static (self, ended) =>
                {
                    var tags = new TagList { { "error.type", ended.code.ToString() } };
                    self._sessionDuration.Record(ended.duration.TotalSeconds, tags);
                });
        }
    }

    public void DatagramDropped(bool isSent)
        => Tell(
            isSent ? "sent" : "received",
            static (self, direction) => self._droppedDatagrams.Add(1, new KeyValuePair<string, object?>("direction", direction)));

    public void Sent(int bytes)
    {
        if (_bytes.Enabled)
        {
            Tell(bytes, static (self, bytes) => self._bytes.Add(bytes, new KeyValuePair<string, object?>("direction", "sent")));
        }
    }

    public void Received(int bytes)
    {
        if (_bytes.Enabled)
        {
            Tell(bytes, static (self, bytes) => self._bytes.Add(bytes, new KeyValuePair<string, object?>("direction", "received")));
        }
    }

    /// <summary>
    /// Tells a value to those who listen, on this thread: where one of them throws, a measurement is lost, and nothing that waits for what
    /// comes after it.
    /// </summary>
    private void Tell<T>(T value, Action<MuxMetrics, T> tell)
    {
        try
        {
            tell(this, value);
        }
        catch (Exception)
        {
            // What listeners do is the application's affair.
        }
    }

    private static KeyValuePair<string, object?> Role(bool isClient) => new("role", isClient ? "client" : "server");
}
