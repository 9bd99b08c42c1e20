namespace MuxPro.Proxy.Tests.V2Ray;

/// <summary>
/// Configurations of both ends. V2Ray's Mux.Cool has no encryption of its own here: an outbound that is redirected, and an inbound that
/// forwards.
/// </summary>
internal static class V2RayConfigurations
{
    public const string Tcp = "{}";
    public const string WebSocket = """{ "network": "ws", "wsSettings": { "path": "/mux" } }""";

    /// <summary>V2Ray: SOCKS5 in, Mux.Cool out to a port.</summary>
    public static string V2RayClient(int socks, int server, string stream) => $$"""
        { "log": { "loglevel": "warning" },
          "inbounds": [ { "protocol": "socks", "listen": "127.0.0.1", "port": {{socks}}, "settings": { "udp": true, "ip": "127.0.0.1" } } ],
          "outbounds": [ { "protocol": "freedom", "settings": { "redirect": "127.0.0.1:{{server}}" },
                           "streamSettings": {{stream}}, "mux": { "enabled": true, "concurrency": 8 } } ] }
        """;

    /// <summary>V2Ray: Mux.Cool in at a port, straight out.</summary>
    public static string V2RayServer(int port, string stream) => $$"""
        { "log": { "loglevel": "warning" },
          "inbounds": [ { "protocol": "dokodemo-door", "listen": "127.0.0.1", "port": {{port}}, "streamSettings": {{stream}},
                          "settings": { "address": "v1.mux.cool", "port": 9527, "network": "tcp" } } ],
          "outbounds": [ { "protocol": "freedom" } ] }
        """;

    /// <summary>V2Ray: SOCKS5 in, Mux.Cool through another SOCKS5 proxy.</summary>
    public static string V2RayClientThroughSocks(int socks, int proxy) => $$"""
        { "log": { "loglevel": "warning" },
          "inbounds": [ { "protocol": "socks", "listen": "127.0.0.1", "port": {{socks}}, "settings": { "udp": true, "ip": "127.0.0.1" } } ],
          "outbounds": [ { "protocol": "socks", "settings": { "servers": [ { "address": "127.0.0.1", "port": {{proxy}} } ] },
                           "mux": { "enabled": true, "concurrency": 8 } } ] }
        """;

    /// <summary>V2Ray: SOCKS5 in; everything goes to a port.</summary>
    public static string V2RaySocksServer(int socks, int to) => $$"""
        { "log": { "loglevel": "warning" },
          "inbounds": [ { "protocol": "socks", "listen": "127.0.0.1", "port": {{socks}}, "settings": { "udp": true, "ip": "127.0.0.1" } } ],
          "outbounds": [ { "protocol": "freedom", "settings": { "redirect": "127.0.0.1:{{to}}" } } ] }
        """;

    /// <summary>MuxPro: main connections of both protocols in, straight out.</summary>
    public static string Server(int port, string stream) => $$"""
        { "inbounds": [ { "tag": "server", "protocol": "mux", "port": {{port}}, "streamSettings": {{stream}} } ],
          "outbounds": [ { "tag": "out", "protocol": "freedom", "settings": { "allowPrivate": true } } ] }
        """;

    /// <summary>MuxPro: SOCKS5 and HTTP in, main connections out.</summary>
    public static string Client(int socks, int server, string protocol, string stream) => $$"""
        { "inbounds": [ { "tag": "in", "protocol": "mixed", "port": {{socks}}, "settings": { "udp": true } } ],
          "outbounds": [ { "tag": "relay", "protocol": "mux", "settings": { "servers": [ { "address": "127.0.0.1", "port": {{server}} } ] },
                           "streamSettings": {{stream}}, "mux": { "enabled": true, "concurrency": 8, "protocol": "{{protocol}}" } } ] }
        """;

    /// <summary>MuxPro: SOCKS5 in, where main connections come by the special address.</summary>
    public static string SocksServer(int socks) => $$"""
        { "inbounds": [ { "tag": "in", "protocol": "socks", "port": {{socks}}, "settings": { "udp": true, "allowMux": true } } ],
          "outbounds": [ { "tag": "out", "protocol": "freedom", "settings": { "allowPrivate": true } } ] }
        """;

    /// <summary>MuxPro: SOCKS5 and HTTP in, main connections through another SOCKS5 proxy.</summary>
    public static string ClientThroughSocks(int socks, int proxy) => $$"""
        { "inbounds": [ { "tag": "in", "protocol": "mixed", "port": {{socks}}, "settings": { "udp": true } } ],
          "outbounds": [ { "tag": "relay", "protocol": "socks", "settings": { "servers": [ { "address": "127.0.0.1", "port": {{proxy}} } ] },
                           "mux": { "enabled": true, "concurrency": 8, "protocol": "mux.pro" } } ] }
        """;
}
