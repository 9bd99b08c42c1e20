using MuxPro.Tests.Support;

namespace MuxPro.Tests;

/// <summary>
/// The special address (SPEC 7.1): a main connection inside a main connection, through
/// <see cref="Server.DispatchAsync(Destination, CancellationToken)"/>.
/// </summary>
public sealed class NestedTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact(Timeout = MuxPair.Guard)]
    public async Task InsideEachOther_TransferWorksAtEveryDepth_TooDeepIsRefused()
    {
        (Link near, Link far) = Link.CreatePair();
        Task serving = new Server(new Echo()).RunAsync(far, Cancel);
        var workers = new Stack<ClientWorker>();
        workers.Push(await ClientWorker.StartAsync(near, cancellationToken: Cancel));
        for (int depth = 0; depth <= 4; depth++)
        {
            Session session = Open(workers.Peek(), Destination.Tcp("target.example", 80));
            var payload = new Payload(depth);
            Task sending = SendAndEndAsync(session, payload);
            Assert.Equal(1_000_000, await payload.ReceiveToEndAsync(session.Input, cancellationToken: Cancel));
            await sending;
            await session.Completion.WaitAsync(Cancel);
            Session inner = Open(workers.Peek(), Destination.Tcp("MUX.pro", 1));
            if (depth < 4)
            {
                workers.Push(await ClientWorker.StartAsync(inner, cancellationToken: Cancel));
            }
            else
            {
                // Refused, and the level above lives on.
                await Assert.ThrowsAsync<MainConnectionException>(
                    async () => await ClientWorker.StartAsync(inner, cancellationToken: Cancel));
                Assert.Equal(ErrorCode.ResourceExhaustion, inner.EndCode);
                Assert.False(workers.Peek().IsClosed);
            }
        }

        while (workers.TryPop(out ClientWorker? worker))
        {
            await worker.DisposeAsync();
            Assert.Equal(MainConnectionEnd.ClosedLocally, worker.Failure?.Reason);
        }

        await serving.WaitAsync(Cancel);

        static async Task SendAndEndAsync(Session session, Payload payload)
        {
            await payload.SendAsync(session.Output, 0, 1_000_000, cancellationToken: Cancel);
            session.CompleteWrites();
        }
    }

    [Fact(Timeout = MuxPair.Guard)]
    public async Task OuterConnectionDies_InnerOneKnows()
    {
        (Link near, Link far) = Link.CreatePair();
        Task serving = new Server(new Echo()).RunAsync(far, Cancel);
        ClientWorker outer = await ClientWorker.StartAsync(near, cancellationToken: Cancel);
        ClientWorker inner = await ClientWorker.StartAsync(Open(outer, Destination.MuxPro), cancellationToken: Cancel);
        Session session = Open(inner, Destination.Tcp("target.example", 80));
        Task<(long, MainConnectionException Error)> reading = session.ReadToErrorAsync<MainConnectionException>(new Payload(0));
        near.Abort();
        MainConnectionException error = (await reading).Error;
        Assert.Equal(MainConnectionEnd.TransportFailed, error.Reason);
        Assert.IsType<MainConnectionException>(error.InnerException);
        await inner.Completion.WaitAsync(Cancel);
        await serving.WaitAsync(Cancel);
    }

    private static Session Open(ClientWorker worker, Destination destination)
    {
        Assert.True(worker.TryReserve());
        return worker.Open(destination);
    }
}
