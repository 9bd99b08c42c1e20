using System.Diagnostics.Metrics;
using System.IO.Pipelines;
using Microsoft.Extensions.Logging;

namespace MuxPro.Tests.Support;

/// <summary>What an application may give to the library, and that throws.</summary>
internal static class Outsiders
{
    public sealed class ThrowingLoggers(bool inFactory) : ILoggerFactory, ILogger
    {
        public ILogger CreateLogger(string categoryName)
            => inFactory ? throw new ObjectDisposedException("The factory is disposed.") : this;

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public bool IsEnabled(LogLevel logLevel) => logLevel is LogLevel.Debug ? throw new NotSupportedException("Broken.") : true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
            => throw new NotSupportedException("The logger is broken.");

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull
            => throw new NotSupportedException("The logger is broken.");

        public void Dispose()
        {
        }
    }

    public sealed class Meters : IMeterFactory
    {
        public List<Meter> Made { get; } = [];

        public bool IsDisposed { get; init; }

        public Meter Create(MeterOptions options)
        {
            ObjectDisposedException.ThrowIf(IsDisposed, this);
            var meter = new Meter(options);
            Made.Add(meter);
            return meter;
        }

        public void Dispose() => Made.ForEach(static meter => meter.Dispose());
    }

    public sealed class ThrowingTime : TimeProvider
    {
        private int _thrown;

        public bool IsBroken { get; set; }

        public int Thrown => _thrown;

        public override long GetTimestamp() => IsBroken ? throw Error() : base.GetTimestamp();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
            => IsBroken ? throw Error() : new ThrowingTimer(this, base.CreateTimer(callback, state, dueTime, period));

        private NotSupportedException Error()
        {
            Interlocked.Increment(ref _thrown);
            return new NotSupportedException("The clock is broken.");
        }

        private sealed class ThrowingTimer(ThrowingTime time, ITimer inner) : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => time.IsBroken ? throw time.Error() : inner.Change(dueTime, period);

            public void Dispose()
            {
                inner.Dispose();
                if (time.IsBroken)
                {
                    throw time.Error();
                }
            }

            public async ValueTask DisposeAsync()
            {
                await inner.DisposeAsync();
                if (time.IsBroken)
                {
                    throw time.Error();
                }
            }
        }
    }

    public sealed class ThrowingDispatcher : IDispatcher
    {
        private readonly Echo _echo = new();

        public ValueTask<Link> DispatchAsync(Destination destination, CancellationToken cancellationToken = default)
            => destination.Host switch
            {
                "throws.example" => throw new NotSupportedException("The dispatcher is broken."),
                "nothing.example" => ValueTask.FromResult<Link>(null!),
                "cannot-be-read.example" => ValueTask.FromResult<Link>(new ThrowingLink()),
                _ => _echo.DispatchAsync(destination, cancellationToken),
            };

        public ValueTask<DatagramLink> DispatchDatagramsAsync(Destination destination, CancellationToken cancellationToken = default)
            => ValueTask.FromResult<DatagramLink>(new UnclosableFlow(destination));
    }

    public sealed class ThrowingLink : Link
    {
        public override PipeReader Input => throw new NotSupportedException("The link is broken.");

        public override PipeWriter Output => throw new NotSupportedException("The link is broken.");

        public override Stream AsStream() => throw new NotSupportedException("The link is broken.");

        public override void Abort(Exception? reason = null) => throw new NotSupportedException("The link is broken.");

        public override ValueTask DisposeAsync() => throw new NotSupportedException("The link is broken.");
    }

    /// <summary>It is done with the first datagram, and cannot be closed.</summary>
    public sealed class UnclosableFlow(Destination destination) : DatagramLink
    {
        private readonly TaskCompletionSource _sent = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override Destination Destination => destination;

        public override bool IsFullCone => false;

        public override async ValueTask<Datagram?> ReceiveAsync(CancellationToken cancellationToken = default)
        {
            await _sent.Task.WaitAsync(cancellationToken);
            return null;
        }

        public override ValueTask<bool> SendAsync(
            ReadOnlyMemory<byte> data, Destination? address = null, CancellationToken cancellationToken = default)
        {
            _sent.TrySetResult();
            return ValueTask.FromResult(true);
        }

        public override void Abort(Exception? reason = null) => throw new NotSupportedException("The flow is broken.");

        public override ValueTask DisposeAsync() => throw new NotSupportedException("The flow is broken.");
    }

    public sealed class ThrowingPool : IWorkerPicker
    {
        public bool IsDisposed { get; private set; }

        public ValueTask<ClientWorker> PickAvailableAsync(CancellationToken cancellationToken = default)
            => throw new NotSupportedException("The pool is broken.");

        public ValueTask DisposeAsync()
        {
            IsDisposed = true;
            throw new NotSupportedException("The pool is broken.");
        }
    }

    public sealed class WatchedFactory(DialingWorkerFactory inner) : IClientWorkerFactory
    {
        public bool WasCancelled { get; private set; }

        public ValueTask<ClientWorker> CreateAsync(CancellationToken cancellationToken = default)
        {
            _ = cancellationToken.UnsafeRegister(
                _ =>
                {
                    WasCancelled = true;
                    throw new NotSupportedException("The callback is broken.");
                },
                null);
            return inner.CreateAsync(cancellationToken);
        }
    }
}
