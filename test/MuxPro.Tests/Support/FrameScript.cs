using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Text;
using MuxPro.Protocol;

namespace MuxPro.Tests.Support;

/// <summary>A frame as the other end wrote it.</summary>
internal sealed record ScriptFrame(FrameType Type, int Id, FrameOptions Options, byte[] Fields, byte[]? Data, byte[] Bytes)
{
    public ErrorCode Code => Fields.Length >= 2 ? (ErrorCode)BinaryPrimitives.ReadUInt16BigEndian(Fields) : ErrorCode.GracefulShutdown;

    public uint Credit => BinaryPrimitives.ReadUInt32BigEndian(Data);

    public string Text => Encoding.UTF8.GetString(Data ?? []);

    public override string ToString() => Type switch
    {
        FrameType.End => $"End {Id} {(ushort)Code:x4}",
        FrameType.Keep => $"Keep {Id} '{(Data is null ? "without data" : Data.Length > 40 ? $"{Data.Length} bytes" : Text)}'",
        _ => $"{Type} {Id}",
    };
}

/// <summary>
/// One end of a main connection that does as it is told: a test with it reads like a transcript. What it reads, it reads by the letter of
/// the protocol and not with the project's reader: Extra Data follows wherever D is set, behind an End too.
/// </summary>
internal sealed class FrameScript(Link link) : IAsyncDisposable
{
    public Link Link { get; } = link;

    /// <summary>Sends frames in one piece.</summary>
    public async Task SendAsync(params byte[][] frames)
        => _ = await Link.Output.WriteAsync(frames.SelectMany(frame => frame).ToArray()).Guarded();

    /// <summary>Sends bytes one by one.</summary>
    public async Task TrickleAsync(byte[] bytes)
    {
        for (int i = 0; i < bytes.Length; i++)
        {
            _ = await Link.Output.WriteAsync(bytes.AsMemory(i, 1)).Guarded();
        }
    }

    /// <summary>Ends this direction in order.</summary>
    public Task CompleteAsync() => Link.Output.CompleteAsync().Guarded();

    /// <summary>The next frame.</summary>
    public async Task<ScriptFrame> ReceiveAsync()
        => await TryReceiveAsync() ?? throw new EndOfStreamException("The main connection was closed.");

    /// <summary>Waits until something has arrived, and leaves it where it is: the other end gets no room to send more.</summary>
    public async Task PeekAsync()
    {
        ReadResult result = await Link.Input.ReadAsync(TestContext.Current.CancellationToken).Guarded();
        Link.Input.AdvanceTo(result.Buffer.Start);
    }

    /// <summary>The next bytes are these, whether or not they read as frames by the letter.</summary>
    public async Task ExpectBytesAsync(byte[] bytes)
        => Assert.Equal(Convert.ToHexStringLower(bytes), Convert.ToHexStringLower(await Link.ReadExactlyAsync(bytes.Length)));

    /// <summary>The next frame is one of a type for an id.</summary>
    public async Task<ScriptFrame> ExpectAsync(FrameType type, int id)
    {
        ScriptFrame frame = await ReceiveAsync();
        Assert.True(frame.Type == type && frame.Id == id, $"Expected {type} {id}, got {frame}.");
        return frame;
    }

    /// <summary>The version that was negotiated.</summary>
    public uint Version { get; set; }

    /// <summary>The next frame is an End with a code, byte for byte as SPEC 6.3.4 wants it.</summary>
    /// <param name="id">The id.</param>
    /// <param name="code">The code; in 0.0 credit goes ahead of any but 0000.</param>
    /// <param name="isOpen">Whether neither end has sent an End for the id, and it was opened: otherwise there is no credit.</param>
    public async Task ExpectEndAsync(int id, ErrorCode code = ErrorCode.GracefulShutdown, bool isOpen = true)
    {
        if (Version == 0 && code != ErrorCode.GracefulShutdown && isOpen)
        {
            ScriptFrame credit = await ExpectAsync(FrameType.CreditUpdate, id);
            Assert.Equal($"0004{id:x4}0501000400100000", Convert.ToHexStringLower(credit.Bytes));
        }

        ScriptFrame frame = await ExpectAsync(FrameType.End, id);
        string expected = code == ErrorCode.GracefulShutdown ? $"0004{id:x4}0300" : $"0006{id:x4}0301{(ushort)code:x4}0000";
        Assert.Equal(expected, Convert.ToHexStringLower(frame.Bytes));
    }

    /// <summary>The next frame says that the target is reached (SPEC 8).</summary>
    public async Task ExpectOpenedAsync(int id)
        => Assert.Equal($"0004{id:x4}0220", Convert.ToHexStringLower((await ReceiveAsync()).Bytes));

    /// <summary>The next frame is a Keep with a payload.</summary>
    public async Task ExpectKeepAsync(int id, string payload)
        => Assert.Equal($"Keep {id} '{payload}'", (await ReceiveAsync()).ToString());

    /// <summary>Keeps come for one id until so many bytes are there.</summary>
    public async Task<byte[]> ReceivePayloadAsync(int id, int length)
    {
        var payload = new List<byte>();
        while (payload.Count < length)
        {
            payload.AddRange((await ExpectAsync(FrameType.Keep, id)).Data!);
        }

        Assert.Equal(length, payload.Count);
        return [.. payload];
    }

    /// <summary>No more frames come, and the transport is closed, in order or not.</summary>
    /// <param name="mayEnd">An id whose End may have been on its way before.</param>
    public async Task ExpectClosedAsync(int? mayEnd = null)
    {
        try
        {
            ScriptFrame? frame = await TryReceiveAsync();
            if (frame?.Type == FrameType.End && frame.Id == mayEnd)
            {
                frame = await TryReceiveAsync();
            }

            Assert.True(frame is null, $"Expected the main connection to be closed, got {frame}.");
        }
        catch (IOException)
        {
            // Closed at once.
        }
    }

    public ValueTask DisposeAsync() => Link.DisposeAsync();

    private async Task<ScriptFrame?> TryReceiveAsync()
    {
        while (true)
        {
            ReadResult result = await Link.Input.ReadAsync(TestContext.Current.CancellationToken).Guarded();
            ReadOnlySequence<byte> rest = result.Buffer;
            if (TryRead(ref rest) is { } frame)
            {
                Link.Input.AdvanceTo(rest.Start);
                return frame;
            }

            Link.Input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
            if (result.IsCompleted)
            {
                Assert.True(result.Buffer.IsEmpty, "The main connection was closed inside a frame.");
                return null;
            }
        }
    }

    private static ScriptFrame? TryRead(ref ReadOnlySequence<byte> buffer)
    {
        var reader = new SequenceReader<byte>(buffer);
        if (!TryReadBlock(ref reader, out byte[] metadata))
        {
            return null;
        }

        Assert.InRange(metadata.Length, 4, 512);
        byte[]? data = null;
        if ((metadata[3] & 1) != 0)
        {
            if (!TryReadBlock(ref reader, out byte[] block))
            {
                return null;
            }

            data = block;
        }

        byte[] bytes = buffer.Slice(0, reader.Position).ToArray();
        buffer = buffer.Slice(reader.Position);
        return new ScriptFrame(
            (FrameType)metadata[2], BinaryPrimitives.ReadUInt16BigEndian(metadata), (FrameOptions)metadata[3], metadata[4..], data, bytes);
    }

    private static bool TryReadBlock(ref SequenceReader<byte> reader, out byte[] block)
    {
        block = [];
        if (!reader.TryReadBigEndian(out short length) || reader.Remaining < (ushort)length)
        {
            return false;
        }

        block = new byte[(ushort)length];
        Assert.True(reader.TryCopyTo(block));
        reader.Advance(block.Length);
        return true;
    }
}
