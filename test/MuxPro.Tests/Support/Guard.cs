namespace MuxPro.Tests.Support;

/// <summary>Waits for what must happen: a test that waits in vain fails instead of hanging.</summary>
internal static class Guard
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    public static Task Guarded(this Task task) => task.WaitAsync(Limit, TestContext.Current.CancellationToken);

    public static Task<T> Guarded<T>(this Task<T> task) => task.WaitAsync(Limit, TestContext.Current.CancellationToken);

    public static Task<T> Guarded<T>(this ValueTask<T> task) => task.AsTask().Guarded();

    public static Task Guarded(this ValueTask task) => task.AsTask().Guarded();

    /// <summary>Lets other work run until something holds that no event tells of.</summary>
    public static async Task UntilAsync(Func<bool> condition, Func<string> complaint)
    {
        long start = TimeProvider.System.GetTimestamp();
        while (!condition())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(start) < Limit, complaint());
            await Task.Yield();
        }
    }
}
