using System.Collections.Concurrent;
using System.Threading.Channels;

namespace MuxPro.Tests.Support;

/// <summary>Reaches targets in memory: <c>echo</c> sends back what it gets, any other is the test's own end of a link.</summary>
internal sealed class FakeDispatcher : IDispatcher
{
    private readonly ConcurrentDictionary<string, Func<CancellationToken, ValueTask<Link>>> _routes = new(StringComparer.Ordinal);
    private readonly Channel<DatagramLink> _flows = Channel.CreateUnbounded<DatagramLink>();
    private Func<Destination, CancellationToken, ValueTask<DatagramLink>>? _datagrams;
    private readonly Channel<(Destination Destination, Link Link)> _targets = Channel.CreateUnbounded<(Destination, Link)>();

    /// <summary>Says how a host is reached.</summary>
    public FakeDispatcher On(string host, Func<CancellationToken, ValueTask<Link>> dispatch)
    {
        _routes[host] = dispatch;
        return this;
    }

    /// <summary>Makes a host fail.</summary>
    public FakeDispatcher On(string host, Exception error) => On(host, _ => ValueTask.FromException<Link>(error));

    public ValueTask<Link> DispatchAsync(Destination destination, CancellationToken cancellationToken = default)
    {
        if (_routes.TryGetValue(destination.Host, out Func<CancellationToken, ValueTask<Link>>? dispatch))
        {
            return dispatch(cancellationToken);
        }

        (Link near, Link far) = Link.CreatePair();
        if (destination.Host == "echo")
        {
            _ = EchoAsync(far);
        }
        else
        {
            Assert.True(_targets.Writer.TryWrite((destination, far)));
        }

        return ValueTask.FromResult(near);
    }

    /// <summary>Says how flows of datagrams are opened.</summary>
    public FakeDispatcher OnDatagrams(Func<Destination, CancellationToken, ValueTask<DatagramLink>> dispatch)
    {
        _datagrams = dispatch;
        return this;
    }

    public ValueTask<DatagramLink> DispatchDatagramsAsync(Destination destination, CancellationToken cancellationToken = default)
    {
        if (_datagrams is not null)
        {
            return _datagrams(destination, cancellationToken);
        }

        (DatagramLink near, DatagramLink far) = DatagramLink.CreatePair(destination);
        Assert.True(_flows.Writer.TryWrite(far));
        return ValueTask.FromResult(near);
    }

    /// <summary>The target's end of the next flow of datagrams that is dispatched.</summary>
    public Task<DatagramLink> AcceptDatagramsAsync() => _flows.Reader.ReadAsync(TestContext.Current.CancellationToken).Guarded();

    /// <summary>The target's end of the next connection that is dispatched, or was and is not taken yet.</summary>
    public async Task<Link> AcceptAsync() => (await _targets.Reader.ReadAsync(TestContext.Current.CancellationToken).Guarded()).Link;

    /// <summary>The same, for a test that looks at the destination.</summary>
    public Task<(Destination Destination, Link Link)> AcceptAnyAsync()
        => _targets.Reader.ReadAsync(TestContext.Current.CancellationToken).Guarded();

    /// <summary>Sends back what comes, until it ends.</summary>
    public static async Task EchoAsync(Link link)
    {
        try
        {
            await link.Input.CopyToAsync(link.Output, CancellationToken.None);
        }
        catch (IOException)
        {
            // Aborted: there is nobody to answer.
        }

        await link.DisposeAsync();
    }
}
