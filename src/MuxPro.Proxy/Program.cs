using MuxPro.Proxy.Cli;
using MuxPro.Proxy.Hosting;

using var signals = new StopSignals();
return await CommandLine.RunAsync(args, Console.Out, Console.Error, signals.Stop, signals.Now);
