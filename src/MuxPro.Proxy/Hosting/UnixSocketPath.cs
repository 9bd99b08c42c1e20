using System.Net.Sockets;

namespace MuxPro.Proxy.Hosting;

/// <summary>
/// The file of a Unix domain socket that is listened on. One that nobody listens on any more is in the way, and is taken away.
/// </summary>
internal sealed class UnixSocketPath
{
    // Whoever is in the group of the process may connect.
    private const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;

    // What opening a socket as a file fails with: ENXIO on Linux, EOPNOTSUPP on BSD and macOS, ERROR_CANT_ACCESS_FILE on Windows.
    private const int NoSuchDevice = 6;
    private const int NotSupported = 102;
    private const int CannotAccess = unchecked((int)0x80070780);

    private readonly string _path;

    private UnixSocketPath(string path) => _path = path;

    /// <exception cref="SocketException">Somebody listens there, or it is another kind of file.</exception>
    public static UnixSocketPath Take(UnixDomainSocketEndPoint endPoint)
    {
        string path = endPoint.ToString();
        if (File.Exists(path))
        {
            if (!IsSocket(path))
            {
                throw new SocketException((int)SocketError.AddressAlreadyInUse, $"{path} is there already, and is no socket.");
            }

            if (IsListenedOn(endPoint))
            {
                throw new SocketException((int)SocketError.AddressAlreadyInUse, $"{path} is listened on already.");
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

    // A socket cannot be opened as a file; everything else can, or says that it is not ours. For writing too: a pipe that nobody writes
    // to would wait.
    private static bool IsSocket(string path)
    {
        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.ReadWrite);
            return false;
        }
        catch (IOException exception) when (exception is not FileNotFoundException)
        {
            return exception.HResult is NoSuchDevice or NotSupported or CannotAccess;
        }
        catch (UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static bool IsListenedOn(UnixDomainSocketEndPoint endPoint)
    {
        // Without waiting: the backlog of one that is stuck may be full.
        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { Blocking = false };
        try
        {
            probe.Connect(endPoint);
            return true;
        }
        catch (SocketException exception)
        {
            return exception.SocketErrorCode != SocketError.ConnectionRefused;
        }
    }
}
