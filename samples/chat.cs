// A chat over sessions: each user is a sub-connection, all share a main connection. The server takes the sub-connections itself, and tells
// everybody what one says. The destination's host is the user's name. `dotnet run samples/chat.cs` plays a conversation and prints:
//
//   ada sees: ada joined
//   ada sees: grace joined
//   grace sees: grace joined
//   ada sees: ada: Is anybody here?
//   grace sees: ada: Is anybody here?
//   ada sees: linus joined
//   grace sees: linus joined
//   linus sees: linus joined
//   ada sees: grace left
//   linus sees: grace left
#:project ../src/MuxPro/MuxPro.csproj
using System.Text;
using System.Threading.Channels;
using MuxPro;

(Link near, Link far) = Link.CreatePair();
Task serving = new Room().ServeAsync(far);
await using (ClientManager client = MuxClient.Connect(_ => ValueTask.FromResult(near)))
{
    var users = new List<User>();
    await JoinAsync("ada");
    await JoinAsync("grace");
    await users[0].Session.Output.WriteAsync("Is anybody here?\n"u8.ToArray());
    await SeeAsync();
    await JoinAsync("linus");
    users[1].Session.CompleteWrites();
    users.RemoveAt(1);
    await SeeAsync();

    async Task JoinAsync(string name)
    {
        Session session = await client.OpenAsync(Destination.Tcp(name, 0));
        users.Add(new User(name, session, new StreamReader(session.AsStream())));
        await SeeAsync();
    }

    // Each user reads what comes next.
    async Task SeeAsync()
    {
        foreach (User user in users)
        {
            Console.WriteLine($"{user.Name} sees: {await user.Reader.ReadLineAsync()}");
        }
    }
}

await serving;

internal sealed record User(string Name, Session Session, StreamReader Reader);

internal sealed class Room
{
    // A session has one writer at a time: here it is the one reader of this channel.
    private readonly Channel<(string Text, Session? Joined, Session? Left)> _events =
        Channel.CreateUnbounded<(string, Session?, Session?)>();

    public async Task ServeAsync(Link link)
    {
        Task telling = TellAsync();
        await foreach (Session session in new Server().AcceptAllAsync(link))
        {
            _ = TalkAsync(session, session.Destination.Host);
        }

        _events.Writer.Complete();
        await telling;
    }

    private async Task TalkAsync(Session session, string name)
    {
        _events.Writer.TryWrite(($"{name} joined", session, null));
        using var reader = new StreamReader(session.AsStream());
        while (await reader.ReadLineAsync() is { } line)
        {
            _events.Writer.TryWrite(($"{name}: {line}", null, null));
        }

        _events.Writer.TryWrite(($"{name} left", null, session));
    }

    private async Task TellAsync()
    {
        List<Session> here = [];
        await foreach ((string text, Session? joined, Session? left) in _events.Reader.ReadAllAsync())
        {
            here.Remove(left!);
            here.AddRange(joined is null ? [] : [joined]);
            foreach (Session session in here)
            {
                await session.Output.WriteAsync(Encoding.UTF8.GetBytes(text + "\n"));
            }
        }
    }
}
