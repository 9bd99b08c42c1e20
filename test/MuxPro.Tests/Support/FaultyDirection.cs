namespace MuxPro.Tests.Support;

/// <summary>What is wrong with one direction of a <see cref="FaultyLink"/>.</summary>
internal sealed record Faults
{
    /// <summary>Bytes that are on their way before a writer waits.</summary>
    public int Capacity { get; init; } = 64 * 1024;

    /// <summary>Most bytes that one write gives, and one read takes, at a time.</summary>
    public int MaxChunk { get; init; } = int.MaxValue;

    /// <summary>How long each byte is on its way; they overlap, so that throughput is not limited by it.</summary>
    public TimeSpan Latency { get; init; }

    /// <summary>The clock of <see cref="Latency"/>.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>The direction is cut after so many bytes.</summary>
    public long CutAfter { get; init; } = long.MaxValue;

    /// <summary>
    /// What the reader sees of a cut; the default is the end of the stream. The writer gets an <see cref="IOException"/>.
    /// </summary>
    public Exception? CutWith { get; init; }

    /// <summary>Gets all bytes that the writer gives.</summary>
    public Stream? Tap { get; init; }
}

/// <summary>One direction of a <see cref="FaultyLink"/>: a ring of bytes between one writer and one reader.</summary>
internal sealed class FaultyDirection
{
    private readonly Faults _faults;
    private readonly Lock _gate = new();
    private readonly byte[] _ring;
    private readonly Queue<(long Due, int Count)> _underWay = new();
    private readonly ITimer? _timer;
    private int _start;
    private int _count;
    private int _arrived;
    private bool _ended;
    private bool _cut;
    private bool _stalled;
    private bool _swallows;
    private Exception? _error;
    private TaskCompletionSource? _reader;
    private TaskCompletionSource? _writer;

    public FaultyDirection(Faults faults)
    {
        _faults = faults;
        _ring = new byte[faults.Capacity];
        if (faults.Latency > TimeSpan.Zero)
        {
            _timer = faults.Time.CreateTimer(
                static state => ((FaultyDirection)state!).OnTick(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>Bytes that the writer gave.</summary>
    public long Written { get; private set; }

    /// <summary>Done when a writer waits for room.</summary>
    public TaskCompletionSource WriterWaits { get; private set; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>From now on nothing more is taken: a writer waits, and nobody says why.</summary>
    public void Stall() => Change(() => _stalled = true);

    /// <summary>The direction takes bytes again.</summary>
    public void Resume() => Change(() => (_stalled, WriterWaits) = (false, new(TaskCreationOptions.RunContinuationsAsynchronously)));

    /// <summary>From now on everything is taken and nothing arrives.</summary>
    public void Swallow() => Change(() => _swallows = true);

    /// <summary>Ends the direction in order.</summary>
    public void End() => Change(() => _ended = true);

    /// <summary>
    /// Breaks the direction: the reader gets the error at once, or without one the end of the stream after what is under way; the writer
    /// gets an error.
    /// </summary>
    public void Cut(Exception? error) => Change(() =>
    {
        if (_cut)
        {
            return;
        }

        (_cut, _ended, _error) = (true, true, error);
        if (error is not null)
        {
            _count = _arrived = 0;
            _underWay.Clear();
        }
    });

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken)
    {
        while (true)
        {
            source = source[Put(source.Span, out Task? wait)..];
            if (wait is null)
            {
                return;
            }

            await wait.WaitAsync(cancellationToken);
        }
    }

    public async ValueTask<int> ReadAsync(Memory<byte> destination, CancellationToken cancellationToken)
    {
        while (true)
        {
            int count = Take(destination.Span, out Task? wait);
            if (wait is null)
            {
                return count;
            }

            await wait.WaitAsync(cancellationToken);
        }
    }

    private int Put(ReadOnlySpan<byte> source, out Task? wait)
    {
        TaskCompletionSource? wake = null;
        int taken = 0;
        wait = null;
        lock (_gate)
        {
            while (taken < source.Length)
            {
                if (_cut || _ended)
                {
                    throw new IOException("The link was cut.", _error);
                }

                if (_stalled || (_count == _ring.Length && !_swallows))
                {
                    _writer = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                    wait = _writer.Task;
                    WriterWaits.TrySetResult();
                    break;
                }

                if (_swallows)
                {
                    return source.Length;
                }

                int end = (_start + _count) % _ring.Length;
                int count = (int)Math.Min(
                    Math.Min(Math.Min(source.Length - taken, _faults.MaxChunk), Math.Min(_ring.Length - _count, _ring.Length - end)),
                    _faults.CutAfter - Written);
                source.Slice(taken, count).CopyTo(_ring.AsSpan(end));
                _faults.Tap?.Write(source.Slice(taken, count));
                taken += count;
                _count += count;
                Written += count;
                Arrive(count);
                (_cut, _ended, _error) = Written >= _faults.CutAfter ? (true, true, _faults.CutWith) : (_cut, _ended, _error);
            }

            if (_arrived > 0 || _ended)
            {
                (wake, _reader) = (_reader, null);
            }
        }

        wake?.TrySetResult();
        return taken;
    }

    private int Take(Span<byte> destination, out Task? wait)
    {
        TaskCompletionSource? wake;
        int count;
        wait = null;
        lock (_gate)
        {
            count = Math.Min(Math.Min(_arrived, destination.Length), Math.Min(_faults.MaxChunk, _ring.Length - _start));
            if (count == 0 && !destination.IsEmpty)
            {
                if (_ended && _count == 0)
                {
                    return _error is null ? 0 : throw new IOException(_error.Message, _error);
                }

                _reader = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                wait = _reader.Task;
                return 0;
            }

            _ring.AsSpan(_start, count).CopyTo(destination);
            _start = (_start + count) % _ring.Length;
            _count -= count;
            _arrived -= count;
            wake = null;
            if (!_stalled)
            {
                (wake, _writer) = (_writer, null);
            }
        }

        wake?.TrySetResult();
        return count;
    }

    private void Arrive(int count)
    {
        if (_timer is null)
        {
            _arrived += count;
            return;
        }

        long due = _faults.Time.GetTimestamp() + (long)(_faults.Latency.TotalSeconds * _faults.Time.TimestampFrequency);
        _underWay.Enqueue((due, count));
        if (_underWay.Count == 1)
        {
            _timer.Change(_faults.Latency, Timeout.InfiniteTimeSpan);
        }
    }

    private void OnTick() => Change(() =>
    {
        long now = _faults.Time.GetTimestamp();
        while (_underWay.TryPeek(out (long Due, int Count) next))
        {
            if (next.Due > now)
            {
                double seconds = (double)(next.Due - now) / _faults.Time.TimestampFrequency;
                _timer!.Change(TimeSpan.FromMilliseconds(Math.Max(1, Math.Ceiling(seconds * 1000))), Timeout.InfiniteTimeSpan);
                return;
            }

            _underWay.Dequeue();
            _arrived += next.Count;
        }
    });

    private void Change(Action change)
    {
        TaskCompletionSource? reader;
        TaskCompletionSource? writer;
        lock (_gate)
        {
            change();
            (reader, writer, _reader, _writer) = (_reader, _writer, null, null);
        }

        reader?.TrySetResult();
        writer?.TrySetResult();
    }
}
