using CsCheck;
using MuxPro.Fuzz;
using MuxPro.Tests.Support;

namespace MuxPro.Tests.Engine;

/// <summary>Conversations of all kinds, whole and damaged, leave nothing behind.</summary>
[Collection(nameof(ExclusiveCollection))]
public sealed class FuzzTests
{
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

    // SPEC 9: New without a priority, End without a code.
    private static readonly Gen<byte[]> CoolFrame = Gen.Frequency(
        (4, Gen.Select(Id, Gen.Int[0, 7], Gen.Bool, Payload, CoolNew)),
        (8, Gen.Select(Id, Payload, Raw.Keep)),
        (3, Gen.Select(Id, Gen.Bool, (id, isError) => Raw.Frame($"{id:x4} 03 {(isError ? 2 : 0):x2}"))),
        (1, Gen.Select(Id, Payload, (id, payload) => Raw.Frame($"{id:x4} 03 01", payload))),
        (1, Payload.Select(payload => Raw.Frame("0000 04 01", payload))),
        (1, Id.Select(Raw.KeepWithoutData)));

    public static TheoryData<string> ClientFiles => FuzzCorpus.Of("client");

    public static TheoryData<string> Files => FuzzCorpus.Of("connection");

    [Theory]
    [MemberData(nameof(Files))]
    public Task Corpus_Passes(string file) => ConnectionTarget.RunAsync(FuzzCorpus.Read("connection", file));

    [Theory]
    [MemberData(nameof(ClientFiles))]
    public Task ClientCorpus_Passes(string file) => ClientTarget.RunAsync(FuzzCorpus.Read("client", file));

    [Fact]
    public Task AnswersOfAnySort_LeaveNothingBehind() => Gen.OneOf(Frame, CoolFrame).Array[1, 40].SampleAsync(
        frames => ClientTarget.RunAsync([.. frames.SelectMany(frame => frame)]), iter: 100, threads: 1);

    [Fact]
    public Task MuxCoolConversations_LeaveNothingBehind() => CoolFrame.Array[1, 40].SampleAsync(
        frames => ConnectionTarget.RunAsync([.. CoolNew(1, 6, isUdp: false, []), .. frames.SelectMany(frame => frame)]), iter: 300,
        threads: 1);

    [Fact]
    public Task DamagedMuxCoolConversations_LeaveNothingBehind() => Damaged(CoolFrame, CoolNew(1, 6, isUdp: false, []));

    [Fact]
    public Task Conversations_LeaveNothingBehind() => Frame.Array[1, 40].SampleAsync(
        frames => ConnectionTarget.RunAsync([.. Raw.Negotiate(1, 0), .. frames.SelectMany(frame => frame)]), iter: 300, threads: 1);

    [Fact]
    public Task DamagedConversations_LeaveNothingBehind() => Damaged(Frame, Raw.Negotiate(0));

    [Fact]
    public Task CutConversations_LeaveNothingBehind() => Gen.Select(Frame.Array[1, 10], Gen.Int[0, 100_000]).SampleAsync(
        (frames, length) =>
        {
            byte[] bytes = [.. Raw.Negotiate(0), .. frames.SelectMany(frame => frame)];
            return ConnectionTarget.RunAsync(bytes[..(length % bytes.Length)]);
        },
        iter: 300,
        threads: 1);

    private static Task Damaged(Gen<byte[]> any, byte[] first) => Gen.Select(
            any.Where(frame => frame.Length < 1000).Array[1, 20], Gen.Select(Gen.Int[0, 5000], Gen.Byte[0, 7]).Array[1, 3])
        .SampleAsync(
            (frames, damages) =>
            {
                byte[] bytes = [.. frames.SelectMany(frame => frame)];
                foreach ((int offset, byte value) in damages)
                {
                    bytes[offset % bytes.Length] = value;
                }

                return ConnectionTarget.RunAsync([.. first, .. bytes]);
            },
            iter: 500,
            threads: 1);

    private static byte[] CoolNew(int id, int port, bool isUdp, byte[] payload)
        => Raw.Frame($"{id:x4} 01 01 {(isUdp ? 2 : 1):x2} {port:x4} 02 06 {Convert.ToHexString("target"u8)}", payload);
}
