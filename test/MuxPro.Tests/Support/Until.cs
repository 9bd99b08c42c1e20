using Microsoft.Extensions.Time.Testing;

namespace MuxPro.Tests.Support;

/// <summary>Waits for what has no event of its own.</summary>
internal static class Until
{
    public static async Task TrueAsync(Func<bool> condition)
    {
        while (!condition())
        {
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    /// <summary>Lets virtual time pass until something is done, however late the processor's time lets it begin.</summary>
    public static async Task DoneAsync(Task task, FakeTimeProvider time)
    {
        while (!task.IsCompleted)
        {
            time.Advance(TimeSpan.FromMilliseconds(500));
            await Task.Yield();
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
        }
    }

    /// <summary>A number of bytes waits to be read; none is consumed or examined.</summary>
    public static Task ReceivedAsync(Session session, long count) => TrueAsync(() =>
    {
        if (!session.Input.TryRead(out System.IO.Pipelines.ReadResult result))
        {
            return count == 0;
        }

        session.Input.AdvanceTo(result.Buffer.Start);
        return result.Buffer.Length >= count;
    });
}

/// <summary>Tests that count what the whole process holds.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;
