using System.Collections.Concurrent;
using System.IO.Pipelines;

namespace MuxPro.Tests.Support;

/// <summary>
/// Dials servers in memory; slow dials wait until they are released, mute servers never negotiate, and a dial may be made to fail.
/// </summary>
internal sealed class Dialler(MuxOptions? options = null, IDispatcher? targets = null)
{
    private readonly IDispatcher _targets = targets ?? new Echo();
    private int _dials;

    public bool IsSlow { get; set; }

    public bool IsMute { get; set; }

    /// <summary>What dials fail with.</summary>
    public Exception? Error { get; set; }

    public int Dials => Volatile.Read(ref _dials);

    public ConcurrentQueue<TaskCompletionSource> Waiting { get; } = new();

    /// <summary>The client's ends of what was dialled.</summary>
    public List<Link> Links { get; } = [];

    public List<ServerWorker> Servers { get; } = [];

    /// <summary>The far ends of what is not answered.</summary>
    public List<Link> Mute { get; } = [];

    public DialingWorkerFactory Factory(ClientStrategy? strategy = null) => new(DialAsync, strategy, options);

    public IncrementalWorkerPicker Pool(ClientStrategy? strategy = null) => new(Factory(strategy));

    public void ReleaseAll()
    {
        while (Waiting.TryDequeue(out TaskCompletionSource? waiting))
        {
            waiting.TrySetResult();
        }
    }

    public void ReleaseOne()
    {
        Assert.True(Waiting.TryDequeue(out TaskCompletionSource? waiting));
        waiting.SetResult();
    }

    public void FailOne(Exception exception)
    {
        Assert.True(Waiting.TryDequeue(out TaskCompletionSource? waiting));
        waiting.SetException(exception);
    }

    /// <summary>So many clients have begun a negotiation that nobody answers; their clocks run.</summary>
    public async Task MuteAsync(int count)
    {
        await Until.TrueAsync(() =>
        {
            lock (Links)
            {
                return Mute.Count >= count;
            }
        });
        for (int i = 0; i < count; i++)
        {
            ReadResult result = await Mute[i].Input.ReadAtLeastAsync(1, TestContext.Current.CancellationToken);
            Mute[i].Input.AdvanceTo(result.Buffer.Start);
        }
    }

    public async ValueTask<Link> DialAsync(CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _dials);
        if (IsSlow)
        {
            var waiting = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Waiting.Enqueue(waiting);
            await waiting.Task.WaitAsync(cancellationToken);
        }

        if (Error is not null)
        {
            throw Error;
        }

        (Link near, Link far) = Link.CreatePair();
        lock (Links)
        {
            Links.Add(near);
            if (IsMute)
            {
                Mute.Add(far);
            }
            else
            {
                Servers.Add(new ServerWorker(far, _targets, options));
            }
        }

        return near;
    }

    /// <summary>Cuts a main connection, the first one being 1, once the server has a sub-connection of it.</summary>
    public async Task CutServingAsync(int dial)
    {
        Link? link = null;
        await Until.TrueAsync(() =>
        {
            lock (Links)
            {
                link = Servers.Count >= dial && Servers[dial - 1].ActiveSessions == 1 ? Links[dial - 1] : null;
                return link is not null;
            }
        });
        link!.Abort();
    }
}
