using System.Net.Sockets;

namespace MuxPro.Proxy.Hosting;

/// <summary>The file of a Unix domain socket that is listened on. One that nobody listens on any more is in the way, and is taken away.</summary>
internal sealed class UnixSocketPath
{
    // Whoever is in the group of the process may connect.
    private const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;

    private readonly string _path;

    private UnixSocketPath(string path) => _path = path;

    /// <exception cref="SocketException">Somebody listens there, or it is another kind of file.</exception>
    public static UnixSocketPath Take(UnixDomainSocketEndPoint endPoint)
    {
        string path = endPoint.ToString();
        if (File.Exists(path))
        {
            if (!IsDeadSocket(endPoint))
            {
                throw new SocketException((int)SocketError.AddressAlreadyInUse);
            }

            File.Delete(path);
        }

        return new UnixSocketPath(path);
    }

    public void Protect()
    {
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(_path, Mode);
        }
    }

    public void Remove()
    {
        try
        {
            File.Delete(_path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Whoever listens next takes it away.
        }
    }

    private static bool IsDeadSocket(UnixDomainSocketEndPoint endPoint)
    {
        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(endPoint);
            return false;
        }
        catch (SocketException exception)
        {
            // Also what a file that is no socket says: that one has a length.
            return exception.SocketErrorCode == SocketError.ConnectionRefused && new FileInfo(endPoint.ToString()!).Length == 0;
        }
    }
}
