using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using MuxPro;
using MuxPro.AspNetCore;
using MuxPro.AspNetCore.Hosting;
using MuxPro.AspNetCore.Transport;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers clients and the server of Mux.Pro.</summary>
public static class MuxServiceCollectionExtensions
{
    /// <summary>
    /// Registers a <see cref="ClientManager"/>. It logs, measures and tells the time with what the host has, and ends with it.
    /// </summary>
    /// <param name="services">The services.</param>
    /// <param name="configure">Sets the options.</param>
    /// <returns>The options, to bind them to a configuration: <c>services.AddMuxClient().BindConfiguration("Relay")</c>.</returns>
    public static OptionsBuilder<MuxClientOptions> AddMuxClient(
        this IServiceCollection services, Action<MuxClientOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.TryAddSingleton(static provider => provider.GetRequiredKeyedService<MuxClientPool>(Options.Options.DefaultName).Client);
        return services.AddPool(Options.Options.DefaultName, configure);
    }

    /// <summary>Registers a <see cref="ClientManager"/> under a name: <c>[FromKeyedServices("relay")] ClientManager client</c>.</summary>
    /// <param name="services">The services.</param>
    /// <param name="name">The name, of the service and of its options.</param>
    /// <param name="configure">Sets the options.</param>
    /// <returns>The options, to bind them to a configuration.</returns>
    public static OptionsBuilder<MuxClientOptions> AddMuxClient(
        this IServiceCollection services, string name, Action<MuxClientOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentException.ThrowIfNullOrEmpty(name);
        services.TryAddKeyedSingleton(name, static (provider, key) => provider.GetRequiredKeyedService<MuxClientPool>(key).Client);
        return services.AddPool(name, configure);
    }

    /// <summary>
    /// Registers the server. Main connections come in through <c>UseMuxPro</c> (an endpoint of Kestrel's) or <c>MapMuxPro</c> (WebSockets);
    /// their sub-connections go to the <see cref="MuxEndPoint"/>s that Kestrel listens on, and to
    /// <see cref="MuxServerOptions.UseDispatcher"/>.
    /// </summary>
    /// <param name="services">The services.</param>
    /// <param name="configure">Sets the options.</param>
    /// <returns>The options, to bind them to a configuration: <c>services.AddMuxServer().BindConfiguration("Mux")</c>.</returns>
    public static OptionsBuilder<MuxServerOptions> AddMuxServer(
        this IServiceCollection services, Action<MuxServerOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.TryAddSingleton<SubConnectionRouter>();
        services.TryAddSingleton<MuxServerHost>();

        // Kestrel adds its sockets only where there is no transport yet: ours is to be one more, not the only one.
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IConnectionListenerFactory, SocketTransportFactory>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IConnectionListenerFactory, SubConnectionListenerFactory>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<MuxServerOptions>, MuxOptionsValidator>());
        return Configure(services.AddOptions<MuxServerOptions>(), configure);
    }

    private static OptionsBuilder<MuxClientOptions> AddPool(
        this IServiceCollection services, string name, Action<MuxClientOptions>? configure)
    {
        services.TryAddKeyedSingleton(name, static (provider, key) => new MuxClientPool(provider, (string)key));
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<MuxClientOptions>, MuxOptionsValidator>());
        return Configure(services.AddOptions<MuxClientOptions>(name), configure);
    }

    private static OptionsBuilder<T> Configure<
        [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicParameterlessConstructor)] T>(
        OptionsBuilder<T> options, Action<T>? configure)
        where T : class
    {
        if (configure is not null)
        {
            options.Configure(configure);
        }

        return options.ValidateOnStart();
    }
}
