using CsCheck;
using MuxPro.Fuzz;
using MuxPro.Tests.Support;

namespace MuxPro.Tests.Connection;

/// <summary>Conversations of all kinds, whole and damaged, leave nothing behind.</summary>
[Collection(nameof(ExclusiveCollection))]
public sealed class FuzzTests
{
    private static readonly string Corpus = Path.Combine(AppContext.BaseDirectory, "Corpus", "connection");

    private static readonly Gen<int> Id = Gen.Int[1, 4];

    private static readonly Gen<byte[]> Payload = Gen.Frequency((9, Gen.Byte.Array[0, 100]), (1, Gen.Byte.Array[1000, 40_000]));

    private static readonly Gen<byte[]> Frame = Gen.Frequency(
        (4, Gen.Select(Id, Gen.Int[0, 7], Payload, (id, port, payload) => Raw.New(id, $"target:{port}", payload))),
        (8, Gen.Select(Id, Payload, Raw.Keep)),
        (3, Id.Select(id => Raw.End(id))),
        (1, Gen.Select(Id, Gen.UShort, (id, code) => Raw.End(id, (ErrorCode)code))),
        (1, Gen.Select(Id, Gen.UShort, Raw.BareEnd)),
        (3, Gen.Select(Id, Gen.OneOf(Gen.UInt[0, 100_000], Gen.UInt), Raw.Credit)),
        (1, Id.Select(Raw.KeepAlive)),
        (1, Id.Select(Raw.KeepWithoutData)));

    public static TheoryData<string> Files => [.. Directory.GetFiles(Corpus).Select(path => Path.GetFileName(path))];

    [Theory]
    [MemberData(nameof(Files))]
    public Task Corpus_Passes(string file) => ConnectionTarget.RunAsync(File.ReadAllBytes(Path.Combine(Corpus, file)));

    [Fact]
    public Task Conversations_LeaveNothingBehind() => Frame.Array[1, 40].SampleAsync(
        frames => ConnectionTarget.RunAsync([.. Raw.Negotiate(1, 0), .. frames.SelectMany(frame => frame)]), iter: 300, threads: 1);

    [Fact]
    public Task DamagedConversations_LeaveNothingBehind() => Gen.Select(
            Frame.Where(frame => frame.Length < 1000).Array[1, 20], Gen.Select(Gen.Int[0, 5000], Gen.Byte[0, 7]).Array[1, 3])
        .SampleAsync(
            (frames, damages) =>
            {
                byte[] bytes = [.. frames.SelectMany(frame => frame)];
                foreach ((int offset, byte value) in damages)
                {
                    bytes[offset % bytes.Length] = value;
                }

                return ConnectionTarget.RunAsync([.. Raw.Negotiate(0), .. bytes]);
            },
            iter: 500,
            threads: 1);

    [Fact]
    public Task CutConversations_LeaveNothingBehind() => Gen.Select(Frame.Array[1, 10], Gen.Int[0, 100_000]).SampleAsync(
        (frames, length) =>
        {
            byte[] bytes = [.. Raw.Negotiate(0), .. frames.SelectMany(frame => frame)];
            return ConnectionTarget.RunAsync(bytes[..(length % bytes.Length)]);
        },
        iter: 300,
        threads: 1);
}
