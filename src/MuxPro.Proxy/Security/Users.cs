using System.Security.Cryptography;
using System.Text;

namespace MuxPro.Proxy.Security;

/// <summary>Who may use an inbound, by name and password. Without users everybody may.</summary>
internal sealed class Users
{
    // RFC 1929: name and password have a length of one byte each.
    private const int MaxLength = 255;

    private readonly Dictionary<string, byte[]> _passwords = new(StringComparer.Ordinal);

    public static Users None { get; } = new();

    public bool IsRequired => _passwords.Count > 0;

    /// <summary>Adds <c>name:password</c>; the password may contain colons.</summary>
    /// <returns>Whether the text was one, and the name new.</returns>
    public bool TryAdd(string text)
    {
        int colon = text.IndexOf(':');
        return colon > 0 && colon < text.Length - 1
            && Encoding.UTF8.GetByteCount(text.AsSpan(0, colon)) <= MaxLength
            && Encoding.UTF8.GetByteCount(text.AsSpan(colon + 1)) <= MaxLength
            && !text.AsSpan(0, colon).ContainsAnyInRange('\0', ' ')
            && _passwords.TryAdd(text[..colon], Hash(text[(colon + 1)..]));
    }

    /// <summary>Compares in a time that does not tell how much of the password was right.</summary>
    public bool IsRight(string name, string password)
    {
        byte[] given = Hash(password);
        return _passwords.TryGetValue(name, out byte[]? expected) && CryptographicOperations.FixedTimeEquals(given, expected);
    }

    private static byte[] Hash(string password) => SHA256.HashData(Encoding.UTF8.GetBytes(password));
}
