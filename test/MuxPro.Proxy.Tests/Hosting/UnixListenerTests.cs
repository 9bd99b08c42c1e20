using System.Net.Sockets;
using MuxPro.Proxy.Hosting;
using MuxPro.Proxy.Shared;
using MuxPro.Proxy.Tests.Support;

namespace MuxPro.Proxy.Tests.Hosting;

public sealed class UnixListenerTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("muxpro-unix-");
    private readonly LogCollector _log = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private string SocketPath => Path.Combine(_directory.FullName, "socket");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public async Task Stale_IsReplaced_AndGoneAfterwards()
    {
        MakeStale();
        await using (Start())
        {
            if (!OperatingSystem.IsWindows())
            {
                Assert.Equal(
                    UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite,
                    File.GetUnixFileMode(SocketPath));
            }

            using var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await client.ConnectAsync(new UnixDomainSocketEndPoint(SocketPath), Cancel);
        }

        Assert.False(File.Exists(SocketPath));
    }

    [Fact]
    public async Task InUse_IsRefused_AndGoesOn()
    {
        await using SocketListener first = Start();
        SocketException exception = Assert.Throws<SocketException>(Start);
        Assert.Equal(SocketError.AddressAlreadyInUse, exception.SocketErrorCode);
        Assert.Contains(SocketPath, exception.Message, StringComparison.Ordinal);
        using var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await client.ConnectAsync(new UnixDomainSocketEndPoint(SocketPath), Cancel);
    }

    [Theory]
    [InlineData("")]
    [InlineData("what somebody wants to keep")]
    public void OtherFile_IsRefused_AndStays(string content)
    {
        File.WriteAllText(SocketPath, content);
        SocketException exception = Assert.Throws<SocketException>(Start);
        Assert.Contains("no socket", exception.Message, StringComparison.Ordinal);
        Assert.Equal(content, File.ReadAllText(SocketPath));
    }

    [Fact]
    public async Task Serve_CanBeReplaced()
    {
        var served = new TaskCompletionSource<string>();
        await using SocketListener listener = Start();
        listener.Serve((_, _) => Task.FromResult(served.TrySetResult("the new one")), 1);
        using var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await client.ConnectAsync(new UnixDomainSocketEndPoint(SocketPath), Cancel);
        Assert.Equal("the new one", await served.Task.WaitAsync(Cancel));
    }

    /// <summary>As a process leaves it that was killed: the file is there, and nobody listens.</summary>
    private void MakeStale()
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        string other = SocketPath + "-before";
        socket.Bind(new UnixDomainSocketEndPoint(other));
        File.Move(other, SocketPath);
    }

    private SocketListener Start() => SocketListener.Start(
        new UnixDomainSocketEndPoint(SocketPath), 10, (_, _) => Task.CompletedTask, new SocketBudget(100), _log, TimeProvider.System);
}
