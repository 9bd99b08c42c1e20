using System.Text;

namespace MuxPro.Tests.Support;

/// <summary>What a test says and hears on a flow of datagrams.</summary>
internal static class DatagramText
{
    public static async Task SendTextAsync(this DatagramLink link, string text, string? address = null)
    {
        Destination? destination = address is null ? null : Destination.Parse(address);
        Assert.True(
            await link.SendAsync(Encoding.UTF8.GetBytes(text), destination, TestContext.Current.CancellationToken).Guarded(), "Dropped.");
    }

    /// <summary>The next datagram has a text, and an address if it is said.</summary>
    public static async Task ExpectTextAsync(this DatagramLink link, string text, string? address = null)
    {
        Datagram datagram = await link.ReceiveAsync(TestContext.Current.CancellationToken).Guarded()
            ?? throw new EndOfStreamException("The flow ended.");
        Assert.Equal(text, Encoding.UTF8.GetString(datagram.Data.Span));
        Assert.Equal(address is null ? link.Destination : Destination.Parse(address), datagram.Address);
    }

    public static async Task ExpectEndAsync(this DatagramLink link)
        => Assert.Null(await link.ReceiveAsync(TestContext.Current.CancellationToken).Guarded());
}
