using Microsoft.Extensions.Time.Testing;
using MuxPro.Proxy.Shared;

namespace MuxPro.Proxy.Tests.Shared;

public sealed class WatchedFileTests
{
    /// <summary>Whoever was slow to read has old news.</summary>
    [Fact]
    public async Task SlowLoad_DoesNotReplaceANewerOne()
    {
        var time = new FakeTimeProvider();
        string file = Path.GetTempFileName();
        try
        {
            var entered = new TaskCompletionSource();
            var go = new TaskCompletionSource();
            int loads = 0;
            var files = new WatchedFile<string>(new LoadedFile<string>([file], Load), static _ => { }, static _ => { }, time);
            await ChangeAsync();
            Task<string> slow = Task.Run(() => files.Current);
            await entered.Task;
            await ChangeAsync();
            Assert.Equal("3", files.Current);
            go.SetResult();
            await slow;
            time.Advance(TimeSpan.FromSeconds(2));
            Assert.Equal("3", files.Current);

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

    /// <summary>Whoever puts another file in its place may keep its length and the time of its writing, and may do it by a link.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Replaced_WithTheSameLengthAndTime_IsSeen(bool isLink)
    {
        string directory = Directory.CreateTempSubdirectory("muxpro-watch-").FullName;
        try
        {
            string path = Path.Combine(directory, "file");
            (string first, string second) = (Path.Combine(directory, "first"), Path.Combine(directory, "second"));
            File.WriteAllText(first, "1");
            File.WriteAllText(second, "2");
            File.SetLastWriteTimeUtc(second, File.GetLastWriteTimeUtc(first));
            Put(first);
            var file = new WatchedFile<string>(
                new LoadedFile<string>([path], () => File.ReadAllText(path)), static _ => { }, static _ => { }, TimeProvider.System);
            Assert.False(file.Refresh());
            Put(second);
            Assert.True(file.Refresh());
            Assert.Equal("2", file.Current);

            void Put(string source)
            {
                string moved = path + ".new";
                if (isLink)
                {
                    File.CreateSymbolicLink(moved, source);
                }
                else
                {
                    moved = source;
                }

                File.Move(moved, path, overwrite: true);
            }
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }
}
