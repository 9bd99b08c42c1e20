using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace MuxPro.Proxy.Configuration.Model;

/// <summary>
/// Names a key: the SHA-256 of a certificate's SubjectPublicKeyInfo. A renewed certificate of the same key keeps its pin.
/// </summary>
internal sealed record Pin : IConfigurationValue<Pin>
{
    private const string Prefix = "sha256:";
    private const int HexLength = 2 * SHA256.HashSizeInBytes;

    private readonly string _hex;

    private Pin(string hex) => _hex = hex;

    public static string Pattern => "^sha256:[0-9a-fA-F]{64}$";

    public static Pin Parse(string text) => TryParse(text, out Pin? pin)
        ? pin : throw new FormatException("'sha256:' and 64 hexadecimal digits, as 'muxpro keys' prints it");

    public static Pin Of(X509Certificate2 certificate)
        => new(Convert.ToHexStringLower(SHA256.HashData(certificate.PublicKey.ExportSubjectPublicKeyInfo())));

    public static bool TryParse(string text, [NotNullWhen(true)] out Pin? pin)
    {
        pin = null;
        if (text.Length != Prefix.Length + HexLength
            || !text.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase)
            || !text.AsSpan(Prefix.Length).ContainsOnlyHex())
        {
            return false;
        }

        pin = new Pin(text[Prefix.Length..].ToLowerInvariant());
        return true;
    }

    /// <summary><c>sha256:</c> and 64 hexadecimal digits in lower case.</summary>
    public override string ToString() => Prefix + _hex;
}

file static class HexExtensions
{
    public static bool ContainsOnlyHex(this ReadOnlySpan<char> text)
    {
        foreach (char character in text)
        {
            if (!char.IsAsciiHexDigit(character))
            {
                return false;
            }
        }

        return true;
    }
}
