#!/usr/bin/env bash
# One would have sworn: YARP's forwarder hands on the path that the client sent, byte by byte: a proxy "MUST NOT modify" it but for an
#   empty one (RFC 9110 section 7.7), and the signatures of S3 and OAuth are over exactly these bytes.
# What happens: Kestrel decodes the path and YARP encodes what must be, so the origin is asked for another one where a reserved character
#   was encoded (%2B becomes +, %3A becomes :), and for one that does not exist where the bytes are not UTF-8 (%E4 becomes %25E4). The
#   query is left alone by both; System.Uri decodes letters and ~ in it. A transformer that makes RequestUri from
#   IHttpRequestFeature.RawTarget keeps the path; to the byte only with UriCreationOptions.DangerousDisablePathAndQueryCanonicalization.
# Version: Yarp.ReverseProxy 2.3.0, ASP.NET Core 10.0.12.
# Source: microsoft/reverse-proxy, src/ReverseProxy/Forwarder/RequestUtilities.cs, MakeDestinationAddress() and EncodePath();
#   dotnet/runtime, UriCreationOptions.
# Seen: below: what the client asks for, then what the origin is asked for.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cat > Program.cs <<'EOF'
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Http.Features;
using Yarp.ReverseProxy.Forwarder;

var asked = new BlockingCollection<string>();
var origin = new TcpListener(IPAddress.Loopback, 0);
origin.Start();
_ = Task.Run(() =>
{
    while (true)
    {
        using TcpClient client = origin.AcceptTcpClient();
        asked.Add(new StreamReader(client.GetStream()).ReadLine()!.Split(' ')[1]);
        client.GetStream().Write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"u8);
    }
});

foreach (HttpTransformer transformer in (HttpTransformer[])[HttpTransformer.Empty, new RawTarget(false), new RawTarget(true)])
{
    var builder = WebApplication.CreateSlimBuilder();
    builder.Logging.ClearProviders();
    builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
    builder.Services.AddHttpForwarder();
    await using WebApplication app = builder.Build();
    using var invoker = new HttpMessageInvoker(new SocketsHttpHandler { UseProxy = false });
    var forwarder = app.Services.GetRequiredService<IHttpForwarder>();
    string prefix = $"http://{origin.LocalEndpoint}";
    app.Run(async context => await forwarder.SendAsync(context, prefix, invoker, ForwarderRequestConfig.Empty, transformer));
    await app.StartAsync();
    foreach (string target in (string[])["/plain?a=b", "/1%2B1", "/a%3Ab", "/M%E4rz", "/%7Euser", "/?q=%7euser"])
    {
        using var client = new TcpClient("127.0.0.1", new Uri(app.Urls.First()).Port);
        client.GetStream().Write(Encoding.ASCII.GetBytes($"GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
        new StreamReader(client.GetStream()).ReadToEnd();
        Console.WriteLine($"{(transformer as RawTarget)?.ToString() ?? "yarp"} {target} {asked.Take()}");
    }
}

Environment.Exit(0);

sealed class RawTarget(bool asItIs) : HttpTransformer
{
    public override string ToString() => asItIs ? "raw-as-it-is" : "raw";

    public override async ValueTask TransformRequestAsync(
        HttpContext context, HttpRequestMessage request, string prefix, CancellationToken cancellationToken)
    {
        await base.TransformRequestAsync(context, request, prefix, cancellationToken);
        request.RequestUri = new Uri(
            prefix + context.Features.Get<IHttpRequestFeature>()!.RawTarget,
            new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = asItIs });
    }
}
EOF
program Yarp.ReverseProxy 2.3.0
timeout -s KILL 60 dotnet out/program.dll >seen
seen_of() { awk -v by="$1" -v target="$2" '$1 == by && $2 == target { print $3 }' seen; }
for want in '/plain?a=b /plain?a=b' '/1%2B1 /1+1' '/a%3Ab /a:b' '/M%E4rz /M%25E4rz' '/%7Euser /~user' '/?q=%7euser /?q=~user'; do
    target=${want% *}
    expect "$target by default" "${want#* }" "$(seen_of yarp "$target")"
    expect "$target by RawTarget" "${target//%7[Ee]/\~}" "$(seen_of raw "$target")"
    expect "$target by RawTarget, not canonicalized" "$target" "$(seen_of raw-as-it-is "$target")"
done
