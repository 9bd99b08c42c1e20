using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using MuxPro.Tests.Support;

namespace MuxPro.AspNetCore.Tests.Support;

/// <summary>Large bodies: POST answers with the SHA-256 of what came, GET sends a payload.</summary>
internal sealed class Bodies(Payload payload, long length)
{
    public void Map(WebApplication app)
    {
        app.MapPost("/", static async (HttpContext context) =>
            await context.Response.WriteAsync(
                Convert.ToHexString(await SHA256.HashDataAsync(context.Request.Body, context.RequestAborted)), context.RequestAborted));
        app.MapGet("/", (HttpContext context) => payload.SendAsync(
            context.Response.BodyWriter, 0, length, cancellationToken: context.RequestAborted));
    }

    public async Task CheckAsync(HttpClient http, Uri address)
    {
        CancellationToken cancel = TestContext.Current.CancellationToken;
        string expected = Hash();
        using var upload = new PayloadContent(payload, length);
        using HttpResponseMessage answer = await http.PostAsync(address, upload, cancel);
        Assert.Equal(http.DefaultRequestVersion, answer.Version);
        Assert.Equal(expected, await answer.Content.ReadAsStringAsync(cancel));

        await using Stream download = await http.GetStreamAsync(address, cancel);
        Assert.Equal(expected, Convert.ToHexString(await SHA256.HashDataAsync(download, cancel)));
    }

    private string Hash()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[1_000_000];
        for (long offset = 0; offset < length; offset += buffer.Length)
        {
            int count = (int)Math.Min(buffer.Length, length - offset);
            payload.CopyTo(offset, buffer.AsSpan(0, count));
            hash.AppendData(buffer.AsSpan(0, count));
        }

        return Convert.ToHexString(hash.GetHashAndReset());
    }
}
