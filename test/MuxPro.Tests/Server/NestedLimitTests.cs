namespace MuxPro.Tests;

public class NestedLimitTests
{
    [Fact(Timeout = 30_000)]
    public async Task MainConnectionsInsideOne_AreLimited_TheOthersGoOn()
    {
        CancellationToken cancel = TestContext.Current.CancellationToken;
        (Link near, Link far) = Link.CreatePair();
        Task serving = new Server(new DirectDispatcher()).RunAsync(far, cancel);
        await using (ClientWorker outer = await ClientWorker.StartAsync(
            near, new ClientStrategy { MaxConcurrency = 100 }, cancellationToken: cancel))
        {
            var inner = new List<ClientWorker>();
            for (int i = 0; i < 32; i++)
            {
                Assert.True(outer.TryReserve());
                inner.Add(await ClientWorker.StartAsync(outer.Open(Destination.MuxPro), cancellationToken: cancel));
            }

            Assert.True(outer.TryReserve());
            Session refused = outer.Open(Destination.MuxPro);
            var error = await Assert.ThrowsAsync<SessionException>(async () => await refused.Input.ReadAsync(cancel));
            Assert.Equal(ErrorCode.ResourceExhaustion, error.ErrorCode);

            // A place comes back when one of them closes.
            await inner[0].DisposeAsync();
            await using ClientWorker another = await OpenOnceThereIsRoomAsync(outer, cancel);
            Assert.False(inner[1].IsClosed);
            foreach (ClientWorker worker in inner)
            {
                await worker.DisposeAsync();
            }
        }

        await serving;
    }

    private static async Task<ClientWorker> OpenOnceThereIsRoomAsync(ClientWorker outer, CancellationToken cancel)
    {
        while (true)
        {
            Assert.True(outer.TryReserve());
            try
            {
                return await ClientWorker.StartAsync(outer.Open(Destination.MuxPro), cancellationToken: cancel);
            }
            catch (MainConnectionException)
            {
                // The server has not seen the end of the other one yet.
            }
        }
    }
}
