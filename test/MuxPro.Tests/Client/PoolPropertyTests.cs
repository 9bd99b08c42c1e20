using CsCheck;
using MuxPro.Tests.Support;

namespace MuxPro.Tests;

/// <summary>
/// Places on workers, whatever happens in whatever order: no more than the strategy allows, none lost, and whoever waits is served or told.
/// </summary>
public sealed class PoolPropertyTests
{
    private static readonly Destination Target = Destination.Tcp("target.example", 80);

    private static readonly Gen<(Step Step, int Which)[]> Steps = Gen.Select(
        Gen.Frequency((6, Gen.Const(Step.Pick)), (5, Gen.Const(Step.Open)), (4, Gen.Const(Step.End)), (1, Gen.Const(Step.Die)),
            (2, Gen.Const(Step.Cancel)), (1, Gen.Const(Step.GiveBack)), (1, Gen.Const(Step.Pause))),
        Gen.Int[0, 1_000]).Array[1, 120];

    private enum Step
    {
        /// <summary>Ask for a worker.</summary>
        Pick,

        /// <summary>Open in a place that was got.</summary>
        Open,

        /// <summary>End a session.</summary>
        End,

        /// <summary>A main connection is lost.</summary>
        Die,

        /// <summary>Stop waiting for a worker, or try to.</summary>
        Cancel,

        /// <summary>Give a place back without using it.</summary>
        GiveBack,

        /// <summary>Let the others run.</summary>
        Pause,
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory(Timeout = 2 * MuxPair.Guard)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Places_HoldInAnyOrder(bool leastLoaded)
        => await Gen.Select(Gen.Int[1, 4], Gen.Int[0, 6], Steps).SampleAsync(
            (concurrency, most, steps) => RunAsync(
                leastLoaded, new ClientStrategy { MaxConcurrency = concurrency, MaxConnection = most }, steps),
            iter: 150, threads: 2);

    private static async Task RunAsync(bool leastLoaded, ClientStrategy strategy, (Step Step, int Which)[] steps)
    {
        var server = new Dialler();
        var workers = new HashSet<ClientWorker>();
        await using WorkerPool pool = leastLoaded ? new LeastLoadedWorkerPicker(server.Factory(strategy)) : server.Pool(strategy);
        var picks = new List<(Task<ClientWorker> Task, CancellationTokenSource Source)>();
        var sessions = new List<Session>();
        foreach ((Step step, int which) in steps)
        {
            switch (step)
            {
                case Step.Pick:
                    var source = new CancellationTokenSource();
                    picks.Add((Task.Run(() => pool.PickAvailableAsync(source.Token).AsTask(), Cancel), source));
                    break;
                case Step.Open or Step.GiveBack when picks.Count > 0:
                    (Task<ClientWorker> pick, _) = Take(picks, which);
                    await UseAsync(pick, step == Step.Open);
                    break;
                case Step.End when sessions.Count > 0:
                    Take(sessions, which).Abort();
                    break;
                case Step.Die when server.Links.Count > 0:
                    Link link;
                    lock (server.Links)
                    {
                        link = server.Links[which % server.Links.Count];
                    }

                    link.Abort();
                    break;
                case Step.Cancel when picks.Count > 0:
                    await picks[which % picks.Count].Source.CancelAsync();
                    break;
                default:
                    await Task.Yield();
                    break;
            }

            Check();
        }

        // Everybody gives up or is served; then nothing is left.
        picks.ForEach(static pick => pick.Source.Cancel());
        while (picks.Count > 0)
        {
            await UseAsync(Take(picks, 0).Task, open: false);
        }

        sessions.ForEach(static session => session.Abort());
        foreach (ClientWorker worker in workers)
        {
            if (strategy.MaxConnection > 0 && worker.TotalSessions == strategy.MaxConnection)
            {
                // A place that is still reserved would keep it open.
                await worker.Completion.WaitAsync(Cancel);
            }
            else
            {
                await Until.TrueAsync(() => worker.IsClosed || (worker.TryGetLoad(out int load) && load == 0));
            }
        }

        async Task UseAsync(Task<ClientWorker> pick, bool open)
        {
            try
            {
                ClientWorker worker = await pick;
                workers.Add(worker);
                if (!open)
                {
                    worker.Release();
                    return;
                }

                sessions.Add(worker.Open(Target));
            }
            catch (Exception exception) when (exception is MuxException or OperationCanceledException)
            {
                // The worker died meanwhile, or before it was one; or nobody wants it any more.
            }

            Check();
        }

        void Check()
        {
            foreach (ClientWorker worker in workers.Concat(pool.Workers))
            {
                Assert.InRange(worker.ActiveSessions, 0, strategy.MaxConcurrency);
                Assert.InRange(worker.TotalSessions, 0, strategy.MaxConnection == 0 ? int.MaxValue : strategy.MaxConnection);
            }
        }
    }

    private static T Take<T>(List<T> list, int which)
    {
        int index = which % list.Count;
        T item = list[index];
        list.RemoveAt(index);
        return item;
    }
}
