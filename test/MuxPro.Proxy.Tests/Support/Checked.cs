using MuxPro.Proxy.Configuration.Reading;
using MuxPro.Proxy.Security;

namespace MuxPro.Proxy.Tests.Support;

/// <summary>Configurations that are read and checked, with the files that they name.</summary>
internal static class Checked
{
    public static ConfigurationResult Read(IReadOnlyList<string> files) => ConfigurationReader.Read(files, new KeyStore().Check);

    public static ConfigurationResult ReadText(string file, ReadOnlySpan<byte> bytes)
        => ConfigurationReader.ReadText(file, bytes, new KeyStore().Check);
}
