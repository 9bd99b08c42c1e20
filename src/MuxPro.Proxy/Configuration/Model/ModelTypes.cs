using System.Net;

namespace MuxPro.Proxy.Configuration.Model;

/// <summary>
/// The types that configurations are made of. What a type has is looked up at run time, and native code keeps only what is asked for by a
/// type argument: so a record, enumeration or value that a field has must be in this list. Its own fields need not be.
/// </summary>
internal static class ModelTypes
{
    private static readonly Dictionary<Type, ModelType> Types = new ModelType[]
    {
        new ModelPlain<string>(),
        new ModelPlain<bool>(),
        new ModelPlain<int>(),
        new ModelPlain<IPAddress>(),
        new ModelPlain<IReadOnlyDictionary<string, string>>(),

        new ModelValue<AddressPattern>(),
        new ModelValue<ByteSize>(),
        new ModelValue<DomainPattern>(),
        new ModelValue<Networks>(),
        new ModelValue<Pin>(),
        new ModelValue<PortRange>(),
        new ModelValue<PortRanges>(),
        new ModelValue<Redirect>(),

        new ModelEnum<BalancerStrategy>(),
        new ModelEnum<BlockResponseType>(),
        new ModelEnum<DomainStrategy>(),
        new ModelEnum<LogFormat>(),
        new ModelEnum<LogSeverity>(),
        new ModelEnum<MuxPicker>(),
        new ModelEnum<MuxProtocolName>(),
        new ModelEnum<MuxVersion>(),
        new ModelEnum<RoutingDomainStrategy>(),
        new ModelEnum<RuleType>(),
        new ModelEnum<SocksAuth>(),
        new ModelEnum<TlsVersion>(),
        new ModelEnum<TransportNetwork>(),
        new ModelEnum<TransportSecurity>(),
        new ModelEnum<XudpProxyUdp443>(),

        new ModelRecord<AccountConfiguration>(),
        new ModelRecord<BalancerConfiguration>(),
        new ModelRecord<BalancerStrategyConfiguration>(),
        new ModelRecord<BlockOutboundSettings>(),
        new ModelRecord<BlockResponse>(),
        new ModelRecord<CertificateConfiguration>(),
        new ModelRecord<ChainConfiguration>(),
        new ModelRecord<DaemonConfiguration>(),
        new ModelRecord<DirectOutboundSettings>(),
        new ModelRecord<ForwardInboundSettings>(),
        new ModelRecord<HttpInboundSettings>(),
        new ModelRecord<HttpOutboundSettings>(),
        new ModelRecord<InboundConfiguration>(),
        new ModelRecord<LimitsConfiguration>(),
        new ModelRecord<LogConfiguration>(),
        new ModelRecord<MixedInboundSettings>(),
        new ModelRecord<MuxConfiguration>(),
        new ModelRecord<MuxInboundSettings>(),
        new ModelRecord<MuxOutboundSettings>(),
        new ModelRecord<MuxServerConfiguration>(),
        new ModelRecord<OutboundConfiguration>(),
        new ModelRecord<ProxyServerConfiguration>(),
        new ModelRecord<RoutingConfiguration>(),
        new ModelRecord<RuleConfiguration>(),
        new ModelRecord<SocketConfiguration>(),
        new ModelRecord<SocksInboundSettings>(),
        new ModelRecord<SocksOutboundSettings>(),
        new ModelRecord<StreamConfiguration>(),
        new ModelRecord<TlsConfiguration>(),
        new ModelRecord<WebSocketConfiguration>(),
    }.ToDictionary(static type => type.Type);

    /// <summary>What values of a type are to the model; of one that may be <see langword="null"/>, what they are otherwise.</summary>
    /// <exception cref="InvalidOperationException">It is none of the model.</exception>
    public static ModelType Of(Type type) => Find(Nullable.GetUnderlyingType(type) ?? type)
        ?? throw new InvalidOperationException($"{type} is not in the list of {nameof(ModelTypes)}, where native code finds it.");

    /// <summary>What values of a type are to the model, or <see langword="null"/> where it has none.</summary>
    public static ModelType? Find(Type type) => type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>)
        ? new ModelList(type, Of(type.GetGenericArguments()[0]))
        : Types.GetValueOrDefault(type);
}
