// Command muxbench measures stream multiplexers for Go over one main connection.
// One process runs as "server", another as "client"; MuxPro.MacroBench takes the
// same flags and prints the same JSON.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"time"
)

type options struct {
	peer              string
	listen            string
	connect           string
	control           string
	workload          string
	streams           int
	stalledStreams    int
	backgroundStreams int
	concurrency       int
	chunkBytes        int
	warmup            time.Duration
	duration          time.Duration
}

func parseOptions(arguments []string) options {
	var parsed options
	var warmupSeconds, seconds float64
	flags := flag.NewFlagSet("muxbench", flag.ExitOnError)
	flags.StringVar(&parsed.peer, "peer", "go-raw", "go-raw | go-yamux | go-smux1 | go-smux2")
	flags.StringVar(&parsed.listen, "listen", "127.0.0.1:27100", "server: address of the main connection")
	flags.StringVar(&parsed.connect, "connect", "127.0.0.1:27100", "client: address of the main connection")
	flags.StringVar(&parsed.control, "control", "127.0.0.1:27101", "address of the control connection (plain TCP)")
	flags.StringVar(&parsed.workload, "workload", "bulk", "bulk | pingpong | open | idle")
	flags.IntVar(&parsed.streams, "streams", 1, "bulk: writing streams; idle: streams to hold open")
	flags.IntVar(&parsed.stalledStreams, "stalled-streams", 0, "bulk: further streams whose reader never reads")
	flags.IntVar(&parsed.backgroundStreams, "background-streams", 0, "pingpong: bulk streams running meanwhile")
	flags.IntVar(&parsed.concurrency, "concurrency", 64, "open, idle: streams being opened at once")
	flags.IntVar(&parsed.chunkBytes, "chunk-bytes", 65536, "bulk: bytes per application write")
	flags.Float64Var(&warmupSeconds, "warmup-seconds", 2, "time before the measurement starts")
	flags.Float64Var(&seconds, "seconds", 5, "time measured")
	flags.Parse(arguments)
	parsed.warmup = time.Duration(warmupSeconds * float64(time.Second))
	parsed.duration = time.Duration(seconds * float64(time.Second))
	return parsed
}

func main() {
	if len(os.Args) < 2 {
		fail(fmt.Errorf("usage: muxbench server|client [flags]"))
	}
	parsed := parseOptions(os.Args[2:])
	switch os.Args[1] {
	case "server":
		fail(runServer(parsed))
	case "client":
		result, err := runClient(parsed)
		fail(err)
		fail(json.NewEncoder(os.Stdout).Encode(result))
	default:
		fail(fmt.Errorf("unknown role %q", os.Args[1]))
	}
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "muxbench:", err)
		os.Exit(1)
	}
}
