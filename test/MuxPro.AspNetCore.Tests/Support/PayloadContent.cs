using MuxPro.Tests.Support;

namespace MuxPro.AspNetCore.Tests.Support;

/// <summary>So many bytes of a payload, as the body of a request.</summary>
internal sealed class PayloadContent(Payload payload, long length) : HttpContent
{
    protected override Task SerializeToStreamAsync(Stream stream, System.Net.TransportContext? context)
        => payload.SendAsync(stream, 0, length, cancellationToken: TestContext.Current.CancellationToken);

    protected override bool TryComputeLength(out long computed)
    {
        computed = length;
        return true;
    }
}
