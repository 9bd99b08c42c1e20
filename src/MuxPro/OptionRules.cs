using System.Numerics;
using System.Runtime.CompilerServices;

namespace MuxPro;

/// <summary>The rules of options: each gives the value back, or says which option has a value that it cannot have.</summary>
internal static class OptionRules
{
    public static TimeSpan Positive(TimeSpan value, [CallerMemberName] string? option = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(value, TimeSpan.Zero, option);
        return value;
    }

    public static TimeSpan PositiveOrInfinite(TimeSpan value, [CallerMemberName] string? option = null)
        => value == Timeout.InfiniteTimeSpan ? value : Positive(value, option);

    public static int Positive(int value, [CallerMemberName] string? option = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(value, option);
        return value;
    }

    public static T NotNegative<T>(T value, [CallerMemberName] string? option = null)
        where T : INumberBase<T>
    {
        ArgumentOutOfRangeException.ThrowIfNegative(value, option);
        return value;
    }

    public static T AtLeast<T>(T least, T value, [CallerMemberName] string? option = null)
        where T : IComparable<T>
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(value, least, option);
        return value;
    }

    public static T InRange<T>(T least, T most, T value, [CallerMemberName] string? option = null)
        where T : IComparable<T>
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value, most, option);
        return AtLeast(least, value, option);
    }

    public static MuxProtocols One(MuxProtocols value, [CallerMemberName] string? option = null)
        => value is MuxProtocols.MuxPro or MuxProtocols.MuxCool
            ? value : throw new ArgumentOutOfRangeException(option, value, "A client speaks one protocol.");

    public static MuxProtocols AtLeastOne(MuxProtocols value, [CallerMemberName] string? option = null)
        => value is > 0 and <= (MuxProtocols.MuxPro | MuxProtocols.MuxCool)
            ? value : throw new ArgumentOutOfRangeException(option, value, "A server takes one protocol or both.");
}
