namespace MuxPro.Proxy.Http;

/// <summary>
/// Finds the end of a chunked body (RFC 9112 7.1): <c>size [; extension] CRLF data CRLF</c> ... <c>0 CRLF</c> trailer lines <c>CRLF</c>.
/// </summary>
internal sealed class ChunkScanner : HttpBodyScanner
{
    private const int MaxSizeDigits = 15;
    private const int MaxLine = 8 * 1024;
    private const int MaxTrailers = 64 * 1024;
    private const string NoSize = "a chunk without a proper size";

    private State _state = State.Size;
    private long _left;
    private int _digits;
    private int _line;
    private int _trailers;

    private enum State
    {
        Size, SizeSpace, Extension, SizeLineFeed, Data, DataReturn, DataLineFeed, TrailerStart, Trailer, TrailerLineFeed, LastLineFeed,
        Done,
    }

    public override bool IsDone => _state == State.Done;

    public override int Take(ReadOnlySpan<byte> bytes)
    {
        int taken = 0;
        while (taken < bytes.Length && _state != State.Done)
        {
            if (_state == State.Data)
            {
                int run = (int)Math.Min(_left, bytes.Length - taken);
                taken += run;
                _left -= run;
                _state = _left == 0 ? State.DataReturn : State.Data;
            }
            else
            {
                _state = Next(bytes[taken++]);
            }
        }

        return taken;
    }

    private State Next(byte value) => _state switch
    {
        State.Size => Size(value),
        State.SizeSpace => AfterDigits(value),
        State.Extension => value == '\r' ? State.SizeLineFeed : InLine(value, State.Extension),
        State.SizeLineFeed => AfterSize(Expect(value, '\n')),
        State.DataReturn => Expect(value, '\r') ? State.DataLineFeed : default,
        State.DataLineFeed => StartSize(Expect(value, '\n')),
        State.TrailerStart => value == '\r' ? State.LastLineFeed : StartTrailer(value),
        State.Trailer => value == '\r' ? State.TrailerLineFeed : InTrailer(value),
        State.TrailerLineFeed => Expect(value, '\n') ? State.TrailerStart : default,
        State.LastLineFeed => Expect(value, '\n') ? State.Done : default,
        _ => throw new InvalidOperationException("No byte belongs here."),
    };

    private State Size(byte value)
    {
        if (char.IsAsciiHexDigit((char)value) && _digits < MaxSizeDigits)
        {
            _left = (_left << 4) + Convert.ToInt32(((char)value).ToString(), 16);
            _digits++;
            return State.Size;
        }

        _line = 0;
        return _digits > 0 ? AfterDigits(value) : throw new FormatException(NoSize);
    }

    private State AfterDigits(byte value) => value switch
    {
        (byte)'\r' => State.SizeLineFeed,
        (byte)';' => State.Extension,
        (byte)' ' or (byte)'\t' => InLine(value, State.SizeSpace),
        _ => throw new FormatException(NoSize),
    };

    private State AfterSize(bool _) => _left == 0 ? State.TrailerStart : State.Data;

    private State StartSize(bool _)
    {
        _digits = 0;
        _left = 0;
        return State.Size;
    }

    private State StartTrailer(byte value)
    {
        _line = 0;
        return HttpHead.IsToken([(char)value]) ? InTrailer(value) : throw new FormatException("a trailer without a proper name");
    }

    private State InTrailer(byte value)
        => ++_trailers <= MaxTrailers ? InLine(value, State.Trailer) : throw new FormatException("too many trailers");

    private State InLine(byte value, State same)
        => (value is >= 0x20 and not 0x7f or (byte)'\t') && ++_line <= MaxLine
            ? same
            : throw new FormatException("a chunk line that is too long or broken");

    private static bool Expect(byte value, char expected)
        => value == expected ? true : throw new FormatException("a chunk that is not closed by a line break");
}
