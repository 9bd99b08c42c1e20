using System.Collections;
using System.Reflection;

namespace MuxPro.Proxy.Configuration.Model;

/// <summary>Whether two parts of configurations say the same: records compare their lists by reference alone.</summary>
internal static class SameConfiguration
{
    public static bool Is(object? left, object? right)
    {
        if (left is null || right is null || ReferenceEquals(left, right))
        {
            return ReferenceEquals(left, right);
        }

        if (left is not string && left is IEnumerable leftItems && right is IEnumerable rightItems)
        {
            return leftItems.Cast<object?>().SequenceEqual(rightItems.Cast<object?>(), Comparer.Instance);
        }

        Type type = left.GetType();
        return type == right.GetType() && (type.Namespace != typeof(SameConfiguration).Namespace || type.IsEnum
            ? left.Equals(right)
            : type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
                .All(property => property.GetIndexParameters().Length > 0 || Is(property.GetValue(left), property.GetValue(right))));
    }

    private sealed class Comparer : IEqualityComparer<object?>
    {
        public static Comparer Instance { get; } = new();

        bool IEqualityComparer<object?>.Equals(object? left, object? right) => Is(left, right);

        int IEqualityComparer<object?>.GetHashCode(object? value) => 0;
    }
}
