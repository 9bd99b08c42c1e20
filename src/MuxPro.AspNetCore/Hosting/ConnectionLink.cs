using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;

namespace MuxPro.AspNetCore.Hosting;

/// <summary>A connection of Kestrel's as a link: its pipes, its address, and its own way to be aborted.</summary>
internal sealed class ConnectionLink(ConnectionContext connection) : Link
{
    private readonly Link _pipes = FromPipe(connection.Transport);

    public override PipeReader Input => _pipes.Input;

    public override PipeWriter Output => _pipes.Output;

    public override EndPoint? RemoteEndPoint => connection.RemoteEndPoint;

    public override Stream AsStream() => _pipes.AsStream();

    /// <summary>
    /// The transport ends both pipes then, from its side: no other end of a pipe may be touched while the engine uses it.
    /// </summary>
    public override void Abort(Exception? reason = null)
        => connection.Abort(new ConnectionAbortedException(reason?.Message ?? "The main connection was aborted."));

    public override ValueTask DisposeAsync() => _pipes.DisposeAsync();
}
