namespace MuxPro.Proxy.Configuration.Model;

/// <summary>What a configuration writes as one text, or as a number.</summary>
internal interface IConfigurationValue<TSelf>
    where TSelf : IConfigurationValue<TSelf>
{
    /// <summary>What the text may be, for the schema: a regular expression.</summary>
    static abstract string Pattern { get; }

    /// <exception cref="FormatException">The text is none; the message says what would be right, without the text.</exception>
    static abstract TSelf Parse(string text);
}
