using System.Net.Sockets;
using MuxPro.Proxy.Configuration.Model;
using MuxPro.Proxy.Configuration.Reading;

namespace MuxPro.Proxy.Configuration.Checks;

/// <summary>What a system has of what a configuration may ask for.</summary>
internal sealed record Platform
{
    /// <summary>What this one has.</summary>
    public static Platform Current { get; } = new()
    {
        HasTls13 = !OperatingSystem.IsMacOS() && (!OperatingSystem.IsWindows() || OperatingSystem.IsWindowsVersionAtLeast(10, 0, 20348)),
        HasTcpUserTimeout = OperatingSystem.IsLinux(),
        HasUnixSockets = Socket.OSSupportsUnixDomainSockets,
    };

    /// <summary>Whether its TLS speaks version 1.3: that of macOS does not, that of Windows does from 11 and Server 2022 on.</summary>
    public required bool HasTls13 { get; init; }

    public required bool HasTcpUserTimeout { get; init; }

    public required bool HasUnixSockets { get; init; }
}

/// <summary>What a configuration asks for and the system does not have.</summary>
internal static class PlatformChecks
{
    /// <summary>Whether it asks for version 1.3 of TLS, and the system does not speak it.</summary>
    public static bool LacksTls13(StreamConfiguration stream, Platform platform)
        => stream.Security == TransportSecurity.Tls && stream.TlsSettings.MinVersion == TlsVersion.Tls13 && !platform.HasTls13;

    public static IEnumerable<Finding> Find(StreamConfiguration stream, Platform platform)
    {
        if (LacksTls13(stream, platform))
        {
            yield return new Finding(
                stream.TlsSettings, "minVersion", "the TLS of this system does not speak version 1.3; write \"minVersion\": \"1.2\".");
        }

        if (stream.Network == TransportNetwork.Unix && !platform.HasUnixSockets)
        {
            yield return new Finding(stream, "network", "this system has no Unix domain sockets; write \"tcp\" or \"ws\".");
        }

        if (stream.Sockopt.TcpUserTimeout > 0 && !platform.HasTcpUserTimeout)
        {
            yield return new Finding(
                stream.Sockopt, "tcpUserTimeout", "has no effect: Linux alone has it; 'tcpKeepAliveIdle' works here too.", IsWarning: true);
        }
    }
}
