// dotnet run -c Release --project bench/MuxPro.Benchmarks -- --filter '*FrameReader*'
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Running;

// The repository's own artifacts folder.
IConfig config = DefaultConfig.Instance.WithArtifactsPath(Path.Combine("artifacts", "bench", "micro"));
BenchmarkSwitcher.FromAssembly(typeof(MuxPro.Benchmarks.RoutingBenchmarks).Assembly).Run(args, config);
