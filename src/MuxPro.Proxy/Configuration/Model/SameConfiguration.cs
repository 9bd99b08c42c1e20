using System.Collections;

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

        if (left.GetType() != right.GetType())
        {
            return false;
        }

        // Values have lists in them too, and say all that they are as text.
        return ModelTypes.Find(left.GetType()) switch
        {
            ModelRecord record => record.Fields.All(field => Is(field.Property.GetValue(left), field.Property.GetValue(right))),
            ModelValue => left.ToString() == right.ToString(),
            _ => left.Equals(right),
        };
    }

    private sealed class Comparer : IEqualityComparer<object?>
    {
        public static Comparer Instance { get; } = new();

        bool IEqualityComparer<object?>.Equals(object? left, object? right) => Is(left, right);

        int IEqualityComparer<object?>.GetHashCode(object? value) => 0;
    }
}
