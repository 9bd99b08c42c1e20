using Microsoft.Extensions.Time.Testing;
using MuxPro.Proxy.Tests.Support;
using MuxPro.Proxy.Transports;

namespace MuxPro.Proxy.Tests.Transports;

public sealed class ReloadedFilesTests
{
    /// <summary>Whoever was slow to read has old news.</summary>
    [Fact]
    public async Task SlowLoad_DoesNotReplaceANewerOne()
    {
        var time = new FakeTimeProvider();
        var log = new LogCollector();
        string file = Path.GetTempFileName();
        try
        {
            var entered = new TaskCompletionSource();
            var go = new TaskCompletionSource();
            int loads = 0;
            var files = new ReloadedFiles<string>([file], Load, static _ => { }, time, log);
            await ChangeAsync();
            Task<string> slow = Task.Run(() => files.Content);
            await entered.Task;
            await ChangeAsync();
            Assert.Equal("3", files.Content);
            go.SetResult();
            await slow;
            time.Advance(TimeSpan.FromSeconds(2));
            Assert.Equal("3", files.Content);

            string Load()
            {
                int load = Interlocked.Increment(ref loads);
                if (load == 2)
                {
                    entered.SetResult();
                    go.Task.GetAwaiter().GetResult();
                }

                return load.ToString(System.Globalization.CultureInfo.InvariantCulture);
            }

            async Task ChangeAsync()
            {
                await File.AppendAllTextAsync(file, "x", TestContext.Current.CancellationToken);
                time.Advance(TimeSpan.FromSeconds(2));
            }
        }
        finally
        {
            File.Delete(file);
        }
    }
}
