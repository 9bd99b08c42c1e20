using System.IO.Pipelines;
using System.Net;

namespace MuxPro.Proxy.Shared;

/// <summary>A link of which something was read already: that comes first. Everything else, its ends above all, is the link's own.</summary>
internal sealed class PrefixedLink(HandshakeReader prefix, Link inner) : Link
{
    private readonly PrefixedStream _stream = new(prefix, inner.AsStream());
    private PipeReader? _input;

    public override PipeReader Input => _input ??= PipeReader.Create(_stream, new StreamPipeReaderOptions(leaveOpen: true));

    public override PipeWriter Output => inner.Output;

    public override EndPoint? RemoteEndPoint => inner.RemoteEndPoint;

    public override Stream AsStream() => _stream;

    public override void Abort(Exception? reason = null) => inner.Abort(reason);

    public override ValueTask DisposeAsync() => inner.DisposeAsync();
}
