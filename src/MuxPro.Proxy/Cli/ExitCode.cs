namespace MuxPro.Proxy.Cli;

/// <summary>What the program tells its caller.</summary>
internal static class ExitCode
{
    public const int Success = 0;

    /// <summary>Something failed while starting or running, such as a port in use.</summary>
    public const int Failure = 1;

    /// <summary>An argument, a file or their combination makes no sense: starting again does not help.</summary>
    public const int BadConfiguration = 23;
}
