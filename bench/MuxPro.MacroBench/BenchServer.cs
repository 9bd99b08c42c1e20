using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text.Json;
using MuxPro.MacroBench.Peers;

namespace MuxPro.MacroBench;

/// <summary>The first byte of a stream, which says what the server does with the stream.</summary>
internal static class StreamCommand
{
    /// <summary>Read and count everything.</summary>
    public const byte Sink = (byte)'S';

    /// <summary>Never read again.</summary>
    public const byte Stall = (byte)'Z';

    /// <summary>Send every message back.</summary>
    public const byte Echo = (byte)'E';

    /// <summary>Send one byte back, then wait for the end of the stream.</summary>
    public const byte Touch = (byte)'T';

    public const int MessageBytes = 64;
}

internal sealed class BenchServer(Options options)
{
    private readonly ConcurrentQueue<Counter> _sinks = new();

    public async Task RunAsync()
    {
        using Socket controlListener = Tcp.Listen(options.Control);
        Task control = ServeControlAsync(controlListener);
        await await Task.WhenAny(control, Multiplexers.ServeAsync(options, HandleAsync));
    }

    /// <summary>Answers "stats" and "collect" with a line of JSON and ends the process when the client hangs up.</summary>
    private async Task ServeControlAsync(Socket listener)
    {
        using Socket socket = await listener.AcceptAsync();
        socket.NoDelay = true;
        await using var stream = new NetworkStream(socket);
        using var requests = new StreamReader(stream);
        await using var replies = new StreamWriter(stream) { AutoFlush = true };
        while (await requests.ReadLineAsync() is { } request)
        {
            var statistics = ProcessStatistics.OfThisProcess(collectGarbage: request == "collect");
            long[] received = [.. _sinks.Select(counter => counter.Value)];
            statistics = statistics with { ReceivedBytes = received.Sum(), StreamReceivedBytes = received };
            await replies.WriteAsync(JsonSerializer.Serialize(statistics) + "\n");
        }

        Environment.Exit(0);
    }

    private async Task HandleAsync(BenchStream stream)
    {
        // The same array for command and messages: what an idle stream costs here is this, and the task that waits.
        byte[] command = new byte[1];
        try
        {
            if (await stream.ReadAsync(command) > 0)
            {
                switch (command[0])
                {
                    case StreamCommand.Touch:
                        await stream.WriteAsync(command);
                        await stream.ReadAsync(command);
                        break;
                    case StreamCommand.Sink:
                        await SinkAsync(stream);
                        break;
                    case StreamCommand.Echo:
                        await EchoAsync(stream);
                        break;
                    case StreamCommand.Stall:
                        await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System);
                        break;
                }
            }
        }
        catch (Exception exception) when (exception is IOException or SocketException or OperationCanceledException
            or ObjectDisposedException or MuxException)
        {
            // The client went away: the normal end of a run.
        }
        finally
        {
            await stream.CloseAsync();
        }
    }

    private Task SinkAsync(BenchStream stream)
    {
        var counter = new Counter();
        _sinks.Enqueue(counter);
        return stream.ReadToEndAsync(counter);
    }

    private static async Task EchoAsync(BenchStream stream)
    {
        byte[] message = new byte[StreamCommand.MessageBytes];
        while (await stream.TryReadExactlyAsync(message))
        {
            await stream.WriteAsync(message);
        }
    }
}
