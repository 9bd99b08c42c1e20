using System.Buffers;
using System.Net;
using CsCheck;
using MuxPro.Fuzz;
using MuxPro.Protocol;

namespace MuxPro.Tests.Support;

/// <summary>A frame as it is written, and as it must read.</summary>
internal sealed record WrittenFrame(byte[] Bytes, FrameSnapshot Frame);

/// <summary>Frames of all kinds with any values.</summary>
internal static class ArbitraryFrames
{
    private const string DomainCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";

    private static readonly Gen<byte[]> Payload = Gen.Frequency((9, Gen.Byte.Array[0, 40]), (1, Gen.Byte.Array[200, 3000]));

    private static readonly Gen<ProtocolVersion> Version = Gen.UInt.Select(ProtocolVersion.FromValue);

    /// <summary>A destination of a network, with any kind of host.</summary>
    public static Gen<Destination> Destination(Network network) => Gen.OneOf(
        Gen.Select(Gen.Char[DomainCharacters].Array[1, 255], Gen.UShort, (name, port) => Create(network, new string(name), port)),
        Gen.Select(Gen.Byte.Array[4], Gen.UShort, (address, port) => Create(network, new IPAddress(address), port)),
        Gen.Select(Gen.Byte.Array[16], Gen.UShort, (address, port) => Create(network, new IPAddress(address), port)));

    private static readonly Gen<WrittenFrame> NegotiateVersion =
        Gen.Select(Version.Array[1, 255], Gen.Enum<NegotiationForm>(), (versions, form) => new WrittenFrame(
            Wired.Written(writer => FrameWriter.WriteNegotiateVersion(writer, versions, form)),
            new FrameSnapshot(FrameType.NegotiateVersion, 0, FrameOptions.Data, Versions: $"{form}: {string.Join(", ", versions)}")));

    private static readonly Gen<WrittenFrame> New = Gen.Select(
        Gen.Enum<Network>().SelectMany(Destination), Gen.UShort, Gen.Byte, Gen.OneOf(Gen.Const(0ul), Gen.ULong), Payload, Gen.Bool,
        (destination, id, priority, anyGlobalId, payload, hasData) =>
        {
            ulong globalId = destination.Network == Network.Udp ? anyGlobalId : 0;
            return new WrittenFrame(
                Wired.Written(writer =>
                {
                    if (hasData)
                    {
                        FrameWriter.WriteNew(writer, id, destination, priority, globalId, payload.Length);
                        writer.Write(payload);
                    }
                    else
                    {
                        FrameWriter.WriteNew(writer, id, destination, priority, globalId);
                    }
                }),
                new FrameSnapshot(
                    FrameType.New, id, hasData ? FrameOptions.Data : FrameOptions.None, destination, priority, globalId,
                    Data: hasData ? Convert.ToHexStringLower(payload) : ""));
        });

    private static readonly Gen<WrittenFrame> Keep = Gen.Select(Gen.UShort, Payload, (id, payload) => new WrittenFrame(
        Wired.Written(writer => FrameWriter.WriteKeep(writer, id, payload)),
        new FrameSnapshot(FrameType.Keep, id, FrameOptions.Data, Data: Convert.ToHexStringLower(payload))));

    private static readonly Gen<ushort> Code = Gen.OneOf(Gen.UShort[0, 6], Gen.UShort);

    private static readonly Gen<WrittenFrame> End = Gen.Select(Gen.UShort, Code, (id, code) => new WrittenFrame(
        Wired.Written(writer => FrameWriter.WriteEnd(writer, id, (ErrorCode)code)),
        new FrameSnapshot(FrameType.End, id, code == 0 ? FrameOptions.None : FrameOptions.Data, ErrorCode: (ErrorCode)code)));

    private static readonly Gen<WrittenFrame> KeepAlive = Gen.UShort.Select(id => new WrittenFrame(
        Wired.Written(writer => FrameWriter.WriteKeepAlive(writer, id)),
        new FrameSnapshot(FrameType.KeepAlive, id)));

    private static readonly Gen<WrittenFrame> CreditUpdate = Gen.Select(
        Gen.UShort, Gen.UInt[1, int.MaxValue], (id, increment) => new WrittenFrame(
        Wired.Written(writer => FrameWriter.WriteCreditUpdate(writer, id, increment)),
        new FrameSnapshot(FrameType.CreditUpdate, id, FrameOptions.Data, Credit: increment)));

    private static readonly Gen<WrittenFrame> DetailedEnd = Gen.Select(
        Gen.UShort, Gen.UShort[1, 9], Gen.Byte, (id, code, detail) => new WrittenFrame(
        Wired.Written(writer => FrameWriter.WriteEnd(writer, id, (ErrorCode)code, (FailureDetail)detail)),
        new FrameSnapshot(FrameType.End, id, FrameOptions.Data, ErrorCode: (ErrorCode)code, Detail: (FailureDetail)detail)));

    private static readonly Gen<WrittenFrame> Token = Gen.Select(Gen.ULong, Gen.Bool, (token, isPing) => new WrittenFrame(
        Wired.Written(writer =>
        {
            if (isPing)
            {
                FrameWriter.WritePing(writer, token);
            }
            else
            {
                FrameWriter.WritePong(writer, token);
            }
        }),
        new FrameSnapshot(FrameType.KeepAlive, 0, isPing ? FrameOptions.Ping : FrameOptions.Pong, Token: token)));

    private static readonly Gen<WrittenFrame> Opened = Gen.UShort.Select(id => new WrittenFrame(
        Wired.Written(writer => FrameWriter.WriteOpened(writer, id)), new FrameSnapshot(FrameType.Keep, id, FrameOptions.Opened)));

    private static readonly Gen<WrittenFrame> GoAway = Gen.Select(
        Gen.UShort, Code, Gen.Char['a', 'z'].Array[0, 255], (id, code, text) => new WrittenFrame(
        Wired.Written(writer => FrameWriter.WriteGoAway(writer, id, (ErrorCode)code, new string(text))),
        new FrameSnapshot(
            FrameType.GoAway, id, FrameOptions.Data, ErrorCode: (ErrorCode)code,
            Data: Convert.ToHexStringLower(Raw.Text(new string(text))))));

    /// <summary>Any frame of the private version.</summary>
    public static Gen<WrittenFrame> Private { get; } = Gen.OneOf(New, Keep, End, KeepAlive, DetailedEnd, Token, Opened, GoAway);

    /// <summary>Any frame.</summary>
    public static Gen<WrittenFrame> Any { get; } = Gen.OneOf(NegotiateVersion, New, Keep, End, KeepAlive, CreditUpdate);

    private static Destination Create(Network network, string host, int port)
        => network == Network.Udp ? MuxPro.Destination.Udp(host, port) : MuxPro.Destination.Tcp(host, port);

    private static Destination Create(Network network, IPAddress address, int port)
        => network == Network.Udp ? MuxPro.Destination.Udp(address, port) : MuxPro.Destination.Tcp(address, port);
}
