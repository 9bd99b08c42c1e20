using System.Buffers;
using MuxPro.Protocol;

namespace MuxPro.Benchmarks;

/// <summary>A frame of each state.</summary>
public static class Frames
{
    public static readonly ProtocolVersion[] Versions = [ProtocolVersion.V0_1, ProtocolVersion.V0_0];
    public static readonly Destination Domain = Destination.Tcp("relay.example", 443);
    public static readonly Destination Address = Destination.Tcp("192.0.2.1", 443);

    public static void Write(IBufferWriter<byte> writer, FrameKind kind)
    {
        switch (kind)
        {
            case FrameKind.NegotiateVersion:
                FrameWriter.WriteNegotiateVersion(writer, Versions);
                break;
            case FrameKind.NewDomain:
                FrameWriter.WriteNew(writer, 1, Domain, Session.DefaultPriority);
                break;
            case FrameKind.NewAddress:
                FrameWriter.WriteNew(writer, 1, Address, Session.DefaultPriority);
                break;
            case FrameKind.End:
                FrameWriter.WriteEnd(writer, 1, ErrorCode.GracefulShutdown);
                break;
            case FrameKind.EndWithCode:
                FrameWriter.WriteEnd(writer, 1, ErrorCode.OperationTimeout);
                break;
            case FrameKind.KeepAlive:
                FrameWriter.WriteKeepAlive(writer);
                break;
            case FrameKind.CreditUpdate:
                FrameWriter.WriteCreditUpdate(writer, 1, 65536);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(kind), kind, "no such frame");
        }
    }
}

public enum FrameKind
{
    NegotiateVersion,
    NewDomain,
    NewAddress,
    End,
    EndWithCode,
    KeepAlive,
    CreditUpdate,
}

/// <summary>A buffer that is written over again and again, so that only the writing is measured.</summary>
public sealed class FixedBuffer(int size) : IBufferWriter<byte>
{
    private readonly byte[] _bytes = new byte[size];
    private int _written;

    public ReadOnlyMemory<byte> Written => _bytes.AsMemory(0, _written);

    public void Clear() => _written = 0;

    public void Advance(int count) => _written += count;

    public Memory<byte> GetMemory(int sizeHint = 0) => _bytes.AsMemory(_written);

    public Span<byte> GetSpan(int sizeHint = 0) => _bytes.AsSpan(_written);
}
