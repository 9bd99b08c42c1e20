using System.Buffers;
using System.IO.Pipelines;
using System.Text;

namespace MuxPro.Tests.Support;

/// <summary>What a test says and hears on a link.</summary>
internal static class LinkText
{
    public static async Task SendTextAsync(this Link link, string text)
        => _ = await link.Output.WriteAsync(Encoding.UTF8.GetBytes(text), TestContext.Current.CancellationToken).Guarded();

    public static async Task SendAsync(this Link link, byte[] bytes)
        => _ = await link.Output.WriteAsync(bytes, TestContext.Current.CancellationToken).Guarded();

    /// <summary>Reads as many bytes as the text has, and compares.</summary>
    public static async Task ExpectTextAsync(this Link link, string text)
        => Assert.Equal(text, Encoding.UTF8.GetString(await link.ReadExactlyAsync(Encoding.UTF8.GetByteCount(text))));

    public static async Task<byte[]> ReadExactlyAsync(this Link link, int length)
    {
        ReadResult result = await link.Input.ReadAtLeastAsync(length, TestContext.Current.CancellationToken).Guarded();
        Assert.True(result.Buffer.Length >= length, $"The stream ended after {result.Buffer.Length} of {length} bytes.");
        byte[] bytes = result.Buffer.Slice(0, length).ToArray();
        link.Input.AdvanceTo(result.Buffer.GetPosition(length));
        return bytes;
    }

    /// <summary>What is there next; empty at the end of the stream.</summary>
    public static async Task<byte[]> ReadAsync(this Link link)
    {
        ReadResult result = await link.Input.ReadAsync(TestContext.Current.CancellationToken).Guarded();
        byte[] bytes = result.Buffer.ToArray();
        link.Input.AdvanceTo(result.Buffer.End);
        return bytes;
    }

    /// <summary>Waits until what is written is read by nobody any more, without writing anything.</summary>
    public static Task WhenReaderIsGoneAsync(this PipeWriter output) => Guard.UntilAsync(
        () =>
        {
            try
            {
                ValueTask<FlushResult> flush = output.FlushAsync(TestContext.Current.CancellationToken);
                return flush.IsCompletedSuccessfully && flush.Result.IsCompleted;
            }
            catch (IOException)
            {
                return true;
            }
        },
        () => "The link is still read.");

    /// <summary>The next thing to read is the end of the stream.</summary>
    public static async Task ExpectEndOfStreamAsync(this Link link)
    {
        ReadResult result = await link.Input.ReadAsync(TestContext.Current.CancellationToken).Guarded();
        Assert.Equal("", Encoding.UTF8.GetString(result.Buffer));
        Assert.True(result.IsCompleted);
        link.Input.AdvanceTo(result.Buffer.End);
    }

    /// <summary>The link was reset by its other end.</summary>
    public static async Task ExpectResetAsync(this Link link)
    {
        await Assert.ThrowsAnyAsync<IOException>(async () =>
        {
            while ((await link.ReadAsync()).Length > 0)
            {
            }
        });
    }

    /// <summary>Reading fails with a code, that the other end or this one said.</summary>
    public static async Task<SessionException> ExpectErrorAsync(this Session session, ErrorCode code, bool remote)
    {
        var error = await Assert.ThrowsAsync<SessionException>(() => session.ReadAsync());
        Assert.Equal((code, remote), (error.ErrorCode, error.IsRemote));
        return error;
    }
}
