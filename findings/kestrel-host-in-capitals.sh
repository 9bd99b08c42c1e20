#!/usr/bin/env bash
# One would have sworn: a server that takes a request-target in absolute form, as every server must (RFC 9112 section 3.2.2), takes the
#   one where the Host field repeats the target's authority letter by letter; and where they differ, it goes by the target: "the origin
#   server MUST ignore the received Host header field".
# What happens: Kestrel compares the field with the authority as System.Uri writes it: in small letters, an address in its shortest form,
#   a port without leading zeros. Thus `GET http://Example.COM/` with `Host: Example.COM`, which is what `curl --proxy` sends for that
#   URL, is answered with 400 before any application sees it. A Host that differs altogether is 400 as well.
#   KestrelServerOptions.AllowHostHeaderOverride = true takes them all, and puts the target's spelling in place of the field.
# Version: ASP.NET Core 10.0.12, curl 7.88.1.
# Source: dotnet/aspnetcore, src/Servers/Kestrel/Core/src/Internal/Http/Http1Connection.cs, ValidateNonOriginHostHeader(); the text of
#   AllowHostHeaderOverride speaks of a mismatch alone.
# Seen: below.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cat > Program.cs <<'EOF'
using System.Net;
using System.Net.Sockets;
using System.Text;

foreach (bool allow in (bool[])[false, true])
{
    var builder = WebApplication.CreateSlimBuilder();
    builder.Logging.ClearProviders();
    builder.WebHost.ConfigureKestrel(kestrel =>
    {
        kestrel.Listen(IPAddress.Loopback, 0);
        kestrel.AllowHostHeaderOverride = allow;
    });
    await using var app = builder.Build();
    app.Run(context => context.Response.WriteAsync(context.Request.Host.Value!));
    await app.StartAsync();
    int port = new Uri(app.Urls.First()).Port;
    foreach ((string target, string host) in (ReadOnlySpan<(string, string)>)[
        ("http://example.com/", "example.com"), ("http://Example.COM/", "Example.COM"),
        ("http://[2001:db8:0:0:0:0:0:1]/", "[2001:db8:0:0:0:0:0:1]"), ("http://example.com/", "example.net")])
    {
        using var client = new TcpClient("127.0.0.1", port);
        client.GetStream().Write(Encoding.ASCII.GetBytes($"GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"));
        string answer = new StreamReader(client.GetStream()).ReadToEnd();
        Console.WriteLine($"{(allow ? "override" : "default")} {target} {host}={answer.Split(' ')[1]}");
    }
}

// What curl asks a proxy for.
using var proxy = new TcpListener(IPAddress.Loopback, 0);
proxy.Start();
var curl = System.Diagnostics.Process.Start("curl", ["-s", "-m", "5", "--proxy", $"http://{proxy.LocalEndpoint}", "http://Example.COM/"]);
using (var asked = proxy.AcceptTcpClient())
{
    var reader = new StreamReader(asked.GetStream());
    Console.WriteLine($"curl={reader.ReadLine()}, {reader.ReadLine()}");
}

curl.WaitForExit();
EOF
program
timeout -s KILL 60 dotnet out/program.dll >seen
seen_of() { awk -F= -v key="$1" '$1 == key { print $2 }' seen; }
expect "what curl --proxy sends for http://Example.COM/" "GET http://Example.COM/ HTTP/1.1, Host: Example.COM" "$(seen_of curl)"
for want in "example.com/ example.com=200" "Example.COM/ Example.COM=400" "[2001:db8:0:0:0:0:0:1]/ [2001:db8:0:0:0:0:0:1]=400" \
    "example.com/ example.net=400"; do
    expect "http://${want%=*}" "${want#*=}" "$(seen_of "default http://${want%=*}")"
    expect "http://${want%=*}, AllowHostHeaderOverride" "200" "$(seen_of "override http://${want%=*}")"
done
