// What a client sends first: the negotiation, 13 bytes when it speaks version 0.0 only. The bytes are those of a real client.
// Run it with `dotnet run samples/first-frame.cs`. It prints:
//
//   00 04        length of the metadata: 4 bytes
//   00 00        id 0: the main connection's own
//   00           state: NegotiateVersion
//   01           options: extra data follows
//   00 05        length of the extra data: 5 bytes
//   01           one version is offered
//   00 00 00 00  MuxPro/0.0
//   13 bytes
#:project ../src/MuxPro/MuxPro.csproj
using System.Buffers;
using System.IO.Pipelines;
using MuxPro;

// One end of a link in memory is the client's; at the other end sits nobody who answers, only this program.
(Link near, Link far) = Link.CreatePair();
using var stop = new CancellationTokenSource();
var options = new MuxOptions { Versions = [ProtocolVersion.V0_0] };
Task client = ClientWorker.StartAsync(near, options: options, cancellationToken: stop.Token).AsTask();

// The client sends nothing more before it has an answer (SPEC 5): this is all there is.
ReadResult read = await far.Input.ReadAtLeastAsync(13);
byte[] bytes = read.Buffer.ToArray();

(int Length, string Meaning)[] fields =
[
    (2, $"length of the metadata: {Number(0, 2)} bytes"),
    (2, $"id {Number(2, 2)}: the main connection's own"),
    (1, Number(4, 1) == 0 ? "state: NegotiateVersion" : "another state"),
    (1, Number(5, 1) == 1 ? "options: extra data follows" : "other options"),
    (2, $"length of the extra data: {Number(6, 2)} bytes"),
    (1, Number(8, 1) == 1 ? "one version is offered" : "several versions are offered"),
    (4, $"MuxPro/{Number(9, 2)}.{Number(11, 2)}"),
];
int at = 0;
foreach ((int length, string meaning) in fields)
{
    Console.WriteLine($"{string.Join(' ', bytes[at..(at + length)].Select(value => $"{value:x2}")),-13}{meaning}");
    at += length;
}

Console.WriteLine($"{bytes.Length} bytes");

await stop.CancelAsync();
await client.ContinueWith(_ => { }, TaskScheduler.Default); // cancelled, as it should be

int Number(int offset, int length) => bytes.AsSpan(offset, length).ToArray().Aggregate(0, (sum, value) => (sum << 8) + value);
