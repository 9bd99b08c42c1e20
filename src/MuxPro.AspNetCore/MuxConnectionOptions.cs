namespace MuxPro.AspNetCore;

/// <summary>
/// Settings of main connections, as configuration files have them. What is not here is set in code, with <see cref="Customize"/>.
/// </summary>
public abstract class MuxConnectionOptions
{
    private static readonly MuxOptions Defaults = new();

    private protected MuxConnectionOptions()
    {
    }

    /// <inheritdoc cref="MuxOptions.HandshakeTimeout"/>
    public TimeSpan HandshakeTimeout { get; set; } = Defaults.HandshakeTimeout;

    /// <inheritdoc cref="MuxOptions.KeepAliveInterval"/>
    public TimeSpan KeepAliveInterval { get; set; } = Defaults.KeepAliveInterval;

    /// <inheritdoc cref="MuxOptions.WriteTimeout"/>
    public TimeSpan WriteTimeout { get; set; } = Defaults.WriteTimeout;

    /// <inheritdoc cref="MuxOptions.SilenceTimeout"/>
    public TimeSpan SilenceTimeout { get; set; } = Defaults.SilenceTimeout;

    /// <inheritdoc cref="MuxOptions.MaxWindow"/>
    public int MaxWindow { get; set; } = Defaults.MaxWindow;

    /// <inheritdoc cref="MuxOptions.WindowBudget"/>
    public long WindowBudget { get; set; } = Defaults.WindowBudget;

    /// <inheritdoc cref="MuxOptions.MaxBuffered"/>
    public long MaxBuffered { get; set; } = Defaults.MaxBuffered;

    /// <summary>
    /// Changes the settings after everything else, for those that have no property here: <c>options.Customize(mux => mux with { SendBuffer
    /// = 65_536 })</c>.
    /// </summary>
    /// <param name="change">Gets the settings and returns those to use.</param>
    public void Customize(Func<MuxOptions, MuxOptions> change)
    {
        ArgumentNullException.ThrowIfNull(change);
        Func<MuxOptions, MuxOptions>? before = Change;
        Change = before is null ? change : options => change(before(options));
    }

    private protected Func<MuxOptions, MuxOptions>? Change { get; private set; }

    /// <summary>The settings for the engine, which has the rules for each of them.</summary>
    /// <param name="options">What to start from.</param>
    /// <param name="failures">Gets a sentence for each property whose value breaks its rule.</param>
    internal MuxOptions Apply(MuxOptions options, List<string> failures)
    {
        Set(HandshakeTimeout, static (mux, value) => mux with { HandshakeTimeout = value });
        Set(KeepAliveInterval, static (mux, value) => mux with { KeepAliveInterval = value });
        Set(WriteTimeout, static (mux, value) => mux with { WriteTimeout = value });
        Set(SilenceTimeout, static (mux, value) => mux with { SilenceTimeout = value });
        Set(MaxWindow, static (mux, value) => mux with { MaxWindow = value });
        Set(WindowBudget, static (mux, value) => mux with { WindowBudget = value });
        Set(MaxBuffered, static (mux, value) => mux with { MaxBuffered = value });
        options = ApplyOwn(options, failures);
        return failures.Count == 0 && Change is not null ? Change(options) : options;

        void Set<T>(T value, Func<MuxOptions, T, MuxOptions> with) => options = Try(options, value, with, failures);
    }

    private protected virtual MuxOptions ApplyOwn(MuxOptions options, List<string> failures) => options;

    /// <summary>
    /// Sets one value; what is wrong with it becomes a failure instead of an exception, so that all are reported at once.
    /// </summary>
    private protected static TOptions Try<TOptions, T>(TOptions options, T value, Func<TOptions, T, TOptions> with, List<string> failures)
    {
        try
        {
            return with(options, value);
        }
        catch (ArgumentException exception)
        {
            // The message names the property.
            failures.Add(exception.Message.ReplaceLineEndings(" "));
            return options;
        }
    }
}
