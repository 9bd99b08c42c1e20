using System.IO.Pipelines;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using MuxPro.Proxy.Http;
using MuxPro.Proxy.Shared;
using MuxPro.Proxy.Tests.Support;

namespace MuxPro.Proxy.Tests.Inbounds;

public sealed class HttpForwarderTests
{
    private readonly FakeTimeProvider _time = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("")]
    [InlineData("GET http://b/ HTTP/1.1\r\n\r\n")]
    public async Task ApplicationEnds_OriginIsSilent_SessionIsAborted(string beyond)
    {
        (Link session, Link origin) = Link.CreatePair();
        await using (session)
        await using (origin)
        {
            HttpForwarder forwarder = Forwarder(session, Link.FromStream(new ScriptedStream([Encoding.ASCII.GetBytes(beyond)])));
            Task forwarding = forwarder.RunAsync(Cancel);
            while (!forwarding.IsCompleted)
            {
                Cancel.ThrowIfCancellationRequested();
                _time.Advance(TimeSpan.FromSeconds(1));
                await Task.Yield();
            }

            // A link in memory tells of its abort in its own way.
            await Assert.ThrowsAnyAsync<Exception>(() => forwarding);
            Assert.False(forwarder.HasAnswered);
            Assert.InRange(_time.GetUtcNow() - _time.Start, TimeSpan.FromSeconds(30), TimeSpan.MaxValue);
        }
    }

    [Fact]
    public async Task ApplicationEnds_SlowAnswerArrives()
    {
        (Link session, Link origin) = Link.CreatePair();
        (Link application, Link atApplication) = Link.CreatePair();
        await using (session)
        await using (origin)
        await using (application)
        await using (atApplication)
        {
            HttpForwarder forwarder = Forwarder(session, application);
            await atApplication.Output.CompleteAsync();
            Task forwarding = forwarder.RunAsync(Cancel);
            ReadResult request = await origin.Input.ReadAsync(Cancel);
            origin.Input.AdvanceTo(request.Buffer.End);
            byte[] interim = "HTTP/1.1 102 Processing\r\n\r\n"u8.ToArray();
            Stream reader = atApplication.AsStream();
            for (int i = 0; i < 10; i++)
            {
                _time.Advance(TimeSpan.FromSeconds(29));
                await origin.Output.WriteAsync(interim, Cancel);
                await reader.ReadExactlyAsync(new byte[interim.Length + "Via: 1.1 muxpro\r\n".Length], Cancel);
            }

            await origin.Output.WriteAsync("HTTP/1.1 204 No Content\r\n\r\n"u8.ToArray(), Cancel);
            await forwarding;
            Assert.True(forwarder.HasAnswered);
        }
    }

    [Fact]
    public async Task ApplicationStays_OriginMayBeSilent()
    {
        (Link session, Link origin) = Link.CreatePair();
        await using (session)
        await using (origin)
        {
            var application = new ScriptedStream([], endsAfterwards: false);
            HttpForwarder forwarder = Forwarder(session, Link.FromStream(application));
            Task forwarding = forwarder.RunAsync(Cancel);
            ReadResult request = await origin.Input.ReadAsync(Cancel);
            origin.Input.AdvanceTo(request.Buffer.End);
            _time.Advance(TimeSpan.FromDays(1));
            await origin.Output.WriteAsync("HTTP/1.1 204 No Content\r\n\r\n"u8.ToArray(), Cancel);
            await forwarding;
            Assert.StartsWith("HTTP/1.1 204", Encoding.ASCII.GetString(application.Written), StringComparison.Ordinal);
        }
    }

    private HttpForwarder Forwarder(Link session, Link application)
    {
        HttpRequest request = HttpRequest.Parse("GET http://a/ HTTP/1.1\r\n\r\n"u8);
        var origin = new HttpOrigin(session, _time, _ => session.DisposeAsync());
        return new HttpForwarder(request, new HandshakeReader(application.AsStream()), application, origin, CancellationToken.None);
    }
}
