using Microsoft.Extensions.Options;

namespace MuxPro.AspNetCore.Hosting;

/// <summary>Tries all settings at the start of the host. The rules themselves are the library's.</summary>
internal sealed class MuxOptionsValidator : IValidateOptions<MuxClientOptions>, IValidateOptions<MuxServerOptions>
{
    public ValidateOptionsResult Validate(string? name, MuxClientOptions options)
    {
        List<string> failures = [];
        _ = options.Apply(new MuxOptions(), failures);
        _ = options.ToStrategy(failures);
        _ = options.ToDial(failures);
        return Result(string.IsNullOrEmpty(name) ? nameof(MuxClientOptions) : $"{nameof(MuxClientOptions)} '{name}'", failures);
    }

    public ValidateOptionsResult Validate(string? name, MuxServerOptions options)
    {
        List<string> failures = [];
        _ = options.Apply(new MuxOptions(), failures);
        return Result(nameof(MuxServerOptions), failures);
    }

    private static ValidateOptionsResult Result(string who, List<string> failures)
        => failures.Count == 0
            ? ValidateOptionsResult.Success
            : ValidateOptionsResult.Fail(failures.Select(failure => $"{who}: {failure}"));
}
