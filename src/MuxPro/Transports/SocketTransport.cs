using System.Net;
using System.Net.Sockets;
using System.Threading.Tasks.Sources;
using Microsoft.Extensions.Logging;
using MuxPro.Buffers;
using MuxPro.Core;

namespace MuxPro.Transports;

/// <summary>A socket: batches are sent by gathering their pieces, without a copy.</summary>
internal sealed class SocketTransport(Link link, Socket socket, SocketTuning tuning, ILogger log) : Transport(log)
{
    private readonly GatherSend _send = new();

    public override EndPoint? RemoteEndPoint => link.RemoteEndPoint;

    public override TcpFigures Look() => tuning.Look();

    public override ValueTask<int> ReceiveAsync(Memory<byte> buffer) => socket.ReceiveAsync(buffer, SocketFlags.None);

    public override ValueTask SendAsync(SendBatch batch) => _send.SendAsync(socket, batch.Pieces);

    public override ValueTask CompleteWritesAsync() => ((StreamLink)link).CompleteWritesAsync();

    protected override void AbortLink() => link.Abort();

    protected override async ValueTask DisposeLinkAsync()
    {
        _send.Dispose();
        await link.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>One gathered send after the other, awaited without allocating.</summary>
    private sealed class GatherSend() : SocketAsyncEventArgs(true), IValueTaskSource
    {
        private ManualResetValueTaskSourceCore<bool> _core;

        public ValueTask SendAsync(Socket socket, List<ArraySegment<byte>> pieces)
        {
            if (pieces.Count == 1)
            {
                BufferList = null;
                SetBuffer(pieces[0].Array, pieces[0].Offset, pieces[0].Count);
            }
            else
            {
                SetBuffer(null, 0, 0);
                BufferList = pieces;
            }

            _core.Reset();
            if (socket.SendAsync(this))
            {
                return new ValueTask(this, _core.Version);
            }

            return SocketError == SocketError.Success
                ? ValueTask.CompletedTask
                : ValueTask.FromException(new SocketException((int)SocketError));
        }

        void IValueTaskSource.GetResult(short token) => _core.GetResult(token);

        ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _core.GetStatus(token);

        void IValueTaskSource.OnCompleted(
            Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
            => _core.OnCompleted(continuation, state, token, flags);

        protected override void OnCompleted(SocketAsyncEventArgs e)
        {
            // A stream socket's send completes when all pieces were taken, or with an error.
            if (SocketError == SocketError.Success)
            {
                _core.SetResult(true);
            }
            else
            {
                _core.SetException(new SocketException((int)SocketError));
            }

        }
    }
}
