using MuxPro.Tests.Support;

namespace MuxPro.Tests.Engine;

/// <summary>
/// Ends that speak everything, and ends that speak one version, with each other: the same has to work, or the fallback that is documented.
/// </summary>
public sealed class CrossedVersionTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public enum Speaks
    {
        Everything,
        OnlyV01,
        OnlyV00,
    }

    public static TheoryData<Speaks, Speaks> Crossed
    {
        get
        {
            var data = new TheoryData<Speaks, Speaks>();
            foreach (Speaks client in Enum.GetValues<Speaks>())
            {
                foreach (Speaks server in Enum.GetValues<Speaks>())
                {
                    if (HaveCommon(client, server))
                    {
                        data.Add(client, server);
                    }
                }
            }

            return data;
        }
    }

    [Fact]
    public void SevenOfNine_HaveACommonVersion() => Assert.Equal(7, Crossed.Count);

    [Theory(Timeout = MuxPair.Guard)]
    [MemberData(nameof(Crossed))]
    public async Task TheHighestCommonVersion_IsSpoken(Speaks client, Speaks server)
    {
        await using MuxPair pair = await ConnectAsync(client, server);
        ProtocolVersion expected = (client, server) switch
        {
            (Speaks.Everything, Speaks.Everything) => ProtocolVersion.Private,
            (Speaks.OnlyV00, _) or (_, Speaks.OnlyV00) => ProtocolVersion.V0_0,
            _ => ProtocolVersion.V0_1,
        };
        Assert.Equal(expected, pair.Client.Version);
    }

    [Theory(Timeout = MuxPair.Guard)]
    [InlineData(Speaks.OnlyV00, Speaks.OnlyV01)]
    [InlineData(Speaks.OnlyV01, Speaks.OnlyV00)]
    public async Task NoCommonVersion_IsSaidAtBothEnds(Speaks client, Speaks server)
    {
        (Link near, Link far) = Link.CreatePair();
        await using var worker = new ServerWorker(far, new Echo(), Options(server));
        var error = await Assert.ThrowsAsync<MainConnectionException>(
            () => ClientWorker.StartAsync(near, null, Options(client), Cancel).AsTask());
        Assert.NotEqual(MainConnectionEnd.Timeout, error.Reason);
        await worker.Completion.WaitAsync(Cancel);
        Assert.Equal(MainConnectionEnd.NegotiationFailed, worker.Failure!.Reason);
        Assert.Contains("no version that is spoken here", worker.Failure.Message, StringComparison.Ordinal);
    }

    [Theory(Timeout = MuxPair.Guard)]
    [MemberData(nameof(Crossed))]
    public async Task ManySessions_CarryEverySize_BothWays(Speaks client, Speaks server)
    {
        await using MuxPair pair = await ConnectAsync(client, server);
        int[] sizes = [0, 1, 65_535, 65_536, 65_537, 3_000_000];
        var transfers = new List<Task>();
        for (int i = 0; i < 24; i++)
        {
            (Session near, Session far) = await pair.OpenAsync((byte)(i * 10));
            int size = sizes[i % sizes.Length];
            Task there = TransferAsync(near, far, new Payload(i), size);

            // SPEC 6.3.4: a server of 0.0 does not grant just before its End, so what comes behind that has to fit what was granted.
            Task before = pair.Client.Version == ProtocolVersion.V0_0 ? there : Task.CompletedTask;
            transfers.Add(there);
            transfers.Add(AnswerAsync(before, far, near, new Payload(1_000 + i), size));
        }

        await Task.WhenAll(transfers).WaitAsync(Cancel);
        await Until.TrueAsync(() => pair.Client.ActiveSessions + pair.Server.ActiveSessions == 0);
    }

    private static async Task AnswerAsync(Task before, Session from, Session to, Payload payload, int size)
    {
        await before;
        await TransferAsync(from, to, payload, size);
    }

    [Theory(Timeout = MuxPair.Guard)]
    [MemberData(nameof(Crossed))]
    public async Task HalfClose_TheAnswerComesAfterTheEnd(Speaks client, Speaks server)
    {
        await using MuxPair pair = await ConnectAsync(client, server);
        (Session near, Session far) = await pair.OpenAsync();

        // SPEC 6.3.4: before the private version an answer has to fit the largest window.
        int size = near.HasOpenResult ? 60_000_000 : 10_000_000;
        await TransferAsync(near, far, new Payload(1), 100);
        await TransferAsync(far, near, new Payload(2), size);
        await Task.WhenAll(near.Completion, far.Completion).WaitAsync(Cancel);
        Assert.Equal((ErrorCode.GracefulShutdown, ErrorCode.GracefulShutdown), (near.EndCode, far.EndCode));
    }

    [Theory(Timeout = MuxPair.Guard)]
    [MemberData(nameof(Crossed))]
    public async Task Aborts_TellTheirCode_BothWays(Speaks client, Speaks server)
    {
        await using MuxPair pair = await ConnectAsync(client, server);
        foreach (bool byServer in (bool[])[false, true])
        {
            (Session near, Session far) = await pair.OpenAsync();
            (Session aborts, Session hears) = byServer ? (far, near) : (near, far);
            aborts.Abort((ErrorCode)0x4242);
            await Task.WhenAll(near.Completion, far.Completion).WaitAsync(Cancel);
            Assert.Equal((ErrorCode)0x4242, hears.EndCode);
        }
    }

    [Theory(Timeout = MuxPair.Guard)]
    [MemberData(nameof(Crossed))]
    public async Task OpenResult_IsHeard_AtOnceOrWithTheFirstBytes(Speaks client, Speaks server)
    {
        await using MuxPair pair = await ConnectAsync(client, server);
        (Session near, Session far) = await pair.OpenAsync();
        Assert.Equal(pair.Client.Version == ProtocolVersion.Private, near.HasOpenResult);
        Task opened = near.RemoteOpened;
        if (near.HasOpenResult)
        {
            far.ConfirmOpened();
        }
        else
        {
            await far.WriteAsync("x"u8.ToArray());
        }

        await opened.WaitAsync(Cancel);
    }

    [Theory(Timeout = MuxPair.Guard)]
    [MemberData(nameof(Crossed))]
    public async Task Datagrams_KeepTheirBoundaries_BothWays(Speaks client, Speaks server)
    {
        await using MuxPair pair = await ConnectAsync(client, server);
        (DatagramSession near, DatagramSession far) = await pair.OpenDatagramsAsync();
        foreach (int size in (int[])[0, 1, 1350, 2048, pair.Client.Version == ProtocolVersion.Private ? 65_507 : 2048])
        {
            await ExchangeAsync(near, far, size, address: null);
            await ExchangeAsync(far, near, size, address: null);
        }

        Assert.Equal(pair.Client.Version != ProtocolVersion.V0_0, near.IsFullCone);
        if (near.IsFullCone)
        {
            await ExchangeAsync(near, far, 1000, Destination.Parse("udp:[2001:db8::7]:9"));
            await ExchangeAsync(far, near, 1000, Destination.Parse("udp:10.9.8.7:6"));
        }

        await near.DisposeAsync();
        await far.ExpectEndAsync();
        await far.DisposeAsync();
        await near.Completion.WaitAsync(Cancel);
        Assert.Equal(0, near.Dropped + far.Dropped);
    }

    [Theory(Timeout = MuxPair.Guard)]
    [MemberData(nameof(Crossed))]
    public async Task Drain_LetsWhatIsOpenFinish(Speaks client, Speaks server)
    {
        await using MuxPair pair = await ConnectAsync(client, server);
        (Session near, Session far) = await pair.OpenAsync();
        Task<int> drain = pair.Server.DrainAsync(Cancel);
        await TransferAsync(near, far, new Payload(1), 1_000_000);
        await TransferAsync(far, near, new Payload(2), 1_000_000);
        Assert.Equal(0, await drain.WaitAsync(Cancel));
        await pair.Client.Completion.WaitAsync(Cancel);
    }

    private static bool HaveCommon(Speaks client, Speaks server)
        => client == server || client == Speaks.Everything || server == Speaks.Everything;

    // SPEC 6.3.4: before the private version an answer has to fit what was granted last; those that have all they need must not keep it
    // from others.
    private const long Plenty = 1L << 30;

    private static MuxOptions Options(Speaks speaks) => speaks switch
    {
        Speaks.OnlyV01 => new MuxOptions { Versions = [ProtocolVersion.V0_1], WindowBudget = Plenty },
        Speaks.OnlyV00 => new MuxOptions { Versions = [ProtocolVersion.V0_0], WindowBudget = Plenty },
        _ => new MuxOptions { WindowBudget = Plenty },
    };

    private static Task<MuxPair> ConnectAsync(Speaks client, Speaks server)
        => MuxPair.ConnectAsync(Wiring.Tcp, Options(client), Options(server));

    private static async Task TransferAsync(Session from, Session to, Payload payload, int size)
    {
        Task<long> receiving = payload.ReceiveToEndAsync(to.Input, cancellationToken: Cancel);
        await payload.SendAsync(from.Output, 0, size, cancellationToken: Cancel);
        from.CompleteWrites();
        Assert.Equal(size, await receiving);
    }

    private static async Task ExchangeAsync(DatagramSession from, DatagramSession to, int size, Destination? address)
    {
        byte[] sent = new Payload(size).Take(0, size);
        Assert.True(await from.SendAsync(sent, address, Cancel));
        Datagram received = (await to.ReceiveAsync(Cancel))!.Value;
        Assert.Equal(sent, received.Data.ToArray());
        Assert.Equal(address ?? to.Destination, received.Address);
    }
}
