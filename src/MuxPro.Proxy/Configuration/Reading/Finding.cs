namespace MuxPro.Proxy.Configuration.Reading;

/// <summary>Something wrong with a part of the model.</summary>
/// <param name="Part">The record.</param>
/// <param name="Field">Its field, or empty.</param>
/// <param name="Message">In words.</param>
/// <param name="IsWarning">Whether it works all the same.</param>
internal sealed record Finding(object Part, string Field, string Message, bool IsWarning = false);
