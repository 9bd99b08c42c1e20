using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using MuxPro.Protocol;

namespace MuxPro.Tests.Support;

/// <summary>Frames as bytes: well-formed ones by name, any other by its parts.</summary>
internal static class Raw
{
    /// <summary>The private version (SPEC 8) on the wire.</summary>
    public const uint Private = 0x8001;

    /// <summary>Metadata in hex (its length is put before it), and Extra Data if there is any.</summary>
    public static byte[] Frame(string metadata, byte[]? data = null)
    {
        byte[] fields = Wired.Bytes(metadata);
        return [.. Number(fields.Length), .. fields, .. data is null ? [] : (byte[])[.. Number(data.Length), .. data]];
    }

    public static byte[] Negotiate(params uint[] versions)
        => Wired.Written(writer => FrameWriter.WriteNegotiateVersion(writer, [.. versions.Select(ProtocolVersion.FromValue)]));

    public static byte[] New(int id, string target, string? payload = null, byte priority = 0)
        => New(id, target, payload is null ? null : Text(payload), priority);

    public static byte[] New(int id, string target, byte[]? payload, byte priority = 0) => Wired.Written(writer =>
    {
        var destination = Destination.Parse(target);
        if (payload is null)
        {
            FrameWriter.WriteNew(writer, (ushort)id, destination, priority);
            return;
        }

        FrameWriter.WriteNew(writer, (ushort)id, destination, priority, globalId: 0, payload.Length);
        writer.Write(payload);
    });

    public static byte[] Keep(int id, string payload) => Keep(id, Text(payload));

    public static byte[] Keep(int id, byte[] payload) => Wired.Written(writer => FrameWriter.WriteKeep(writer, (ushort)id, payload));

    public static byte[] KeepWithoutData(int id) => Frame($"{id:x4} 02 00");

    public static byte[] End(int id, ErrorCode code = ErrorCode.GracefulShutdown)
        => Wired.Written(writer => FrameWriter.WriteEnd(writer, (ushort)id, code));

    /// <summary>As the prototype writes it: D, a code, and no Extra Data.</summary>
    public static byte[] BareEnd(int id, ushort code = 3) => Frame($"{id:x4} 03 01 {code:x4}");

    public static byte[] Credit(int id, uint increment) => Frame($"{id:x4} 05 01", Wired.Bytes($"{increment:x8}"));

    public static byte[] KeepAlive(int id = 0) => Frame($"{id:x4} 04 00");

    public static byte[] Opened(int id) => Frame($"{id:x4} 02 20");

    public static byte[] Ping(ulong token) => Frame($"0000 04 10 {token:x16}");

    public static byte[] Pong(ulong token) => Frame($"0000 04 20 {token:x16}");

    public static byte[] GoAway(int lastId, ErrorCode code = ErrorCode.GracefulShutdown, string text = "")
        => Frame($"{lastId:x4} 06 01", [.. Number((ushort)code), .. Text(text)]);

    /// <summary>A CreditUpdate of the main connection: keys and values.</summary>
    public static byte[] Limits(params (byte Key, uint Value)[] limits)
        => Frame("0000 05 01", [.. limits.SelectMany(limit => Wired.Bytes($"{limit.Key:x2}{limit.Value:x8}"))]);

    /// <summary>A Keep whose datagram has an address.</summary>
    public static byte[] Datagram(int id, string address, string payload, ulong globalId = 0) => Wired.Written(writer =>
    {
        byte[] text = Text(payload);
        FrameWriter.WriteDatagram(writer, (ushort)id, Destination.Parse(address), globalId, text.Length);
        writer.Write(text);
    });

    public static byte[] Text(string text) => Encoding.UTF8.GetBytes(text);

    private static byte[] Number(int value)
    {
        byte[] bytes = new byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(bytes, (ushort)value);
        return bytes;
    }
}
