namespace MuxPro.Proxy.Tests.Support;

/// <summary>
/// Tests that move hundreds of megabytes: one after the other and alone, or the time limits of one end pass while the other waits for a
/// processor.
/// </summary>
[CollectionDefinition(nameof(Heavy), DisableParallelization = true)]
public sealed class Heavy;
