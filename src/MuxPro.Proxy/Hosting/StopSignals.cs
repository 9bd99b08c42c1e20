using System.Runtime.InteropServices;

namespace MuxPro.Proxy.Hosting;

/// <summary>
/// Ctrl-C and SIGTERM: the first asks to stop, the second to stop at once. What comes after that ends the process as it always would.
/// </summary>
internal sealed class StopSignals : IDisposable
{
    // Not disposed: a signal may come at any time.
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _now = new();
    private readonly PosixSignalRegistration[] _registrations;
    private int _count;

    public StopSignals() => _registrations =
    [
        PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal),
        PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal),
    ];

    public CancellationToken Stop => _stop.Token;

    public CancellationToken Now => _now.Token;

    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations)
        {
            registration.Dispose();
        }
    }

    private void OnSignal(PosixSignalContext context)
    {
        int count = Interlocked.Increment(ref _count);
        context.Cancel = count <= 2;
        if (count <= 2)
        {
            (count == 1 ? _stop : _now).Cancel();
        }
    }
}
