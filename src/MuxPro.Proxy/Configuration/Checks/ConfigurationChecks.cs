using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Configuration.Reading;

namespace MuxPro.Proxy.Configuration.Checks;

/// <summary>What is wrong with a configuration whose parts are all readable.</summary>
internal static class ConfigurationChecks
{
    public static IEnumerable<Finding> Find(DaemonConfiguration configuration, SourceMap sources)
    {
        if (configuration.Inbounds.Count == 0)
        {
            yield return new Finding(
                configuration, "inbounds",
                "is empty: where do connections come in? For example { \"protocol\": \"mixed\", \"port\": 1080 }.");
        }

        if (configuration.Outbounds.Count == 0)
        {
            yield return new Finding(
                configuration, "outbounds", "is empty: where do connections go out? For example { \"protocol\": \"direct\" }.");
        }

        foreach (Finding finding in (IEnumerable<Finding>)
            [
                .. SameTags("inbound", sources, configuration.Inbounds, static inbound => inbound.Tag),
                .. SameTags("outbound", sources, configuration.Outbounds, static outbound => outbound.Tag),
                .. SameTags("balancer", sources, configuration.Routing.Balancers, static balancer => balancer.Tag),
                .. configuration.Inbounds.SelectMany(InboundChecks.Find),
                .. InboundChecks.FindOverlaps(configuration.Inbounds),
                .. configuration.Outbounds.SelectMany(OutboundChecks.Find),
                .. RoutingChecks.Find(configuration),
            ])
        {
            yield return finding;
        }

        foreach (Finding finding in LogFile(configuration.Log, "access", configuration.Log.Access)
            .Concat(LogFile(configuration.Log, "error", configuration.Log.Error)))
        {
            yield return finding;
        }
    }

    private static IEnumerable<Finding> LogFile(LogConfiguration log, string field, string file)
    {
        if (file is not ("" or "none") && Path.GetDirectoryName(Path.GetFullPath(file)) is { } directory && !Directory.Exists(directory))
        {
            yield return new Finding(log, field, $"'{file}' cannot be written: there is no directory '{directory}'.");
        }
    }

    private static IEnumerable<Finding> SameTags<T>(string what, SourceMap sources, IEnumerable<T> parts, Func<T, string> tagOf)
        where T : class
    {
        var first = new Dictionary<string, T>(StringComparer.Ordinal);
        return parts.Where(part => tagOf(part).Length > 0 && !first.TryAdd(tagOf(part), part))
            .Select(part => new Finding(
                part, "tag",
                $"the {what} at {sources.PlaceOf(first[tagOf(part)])} has the tag '{tagOf(part)}' already; each needs its own."));
    }
}
