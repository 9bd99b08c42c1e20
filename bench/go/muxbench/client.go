package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net"
	"sort"
	"sync"
	"sync/atomic"
	"time"
)

type controlConnection struct {
	connection net.Conn
	replies    *bufio.Reader
}

func dialControl(address string) (*controlConnection, error) {
	connection, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	return &controlConnection{connection, bufio.NewReader(connection)}, nil
}

func (c *controlConnection) ask(request string) (statistics processStatistics, err error) {
	if _, err = fmt.Fprintln(c.connection, request); err != nil {
		return statistics, err
	}
	line, err := c.replies.ReadBytes('\n')
	if err != nil {
		return statistics, err
	}
	return statistics, json.Unmarshal(line, &statistics)
}

// snapshot is the state of all processes of a run at one moment.
type snapshot struct{ client, server processStatistics }

type clientRun struct {
	options
	control *controlConnection
	open    openStream
}

func runClient(parsed options) (map[string]interface{}, error) {
	control, err := dialControl(parsed.control)
	if err != nil {
		return nil, err
	}
	open, err := dialMultiplexer(parsed)
	if err != nil {
		return nil, err
	}
	run := clientRun{parsed, control, open}
	var result map[string]interface{}
	switch parsed.workload {
	case "bulk":
		result, err = run.bulk()
	case "pingpong":
		result, err = run.pingPong()
	case "open":
		result, err = run.openRate()
	case "idle":
		result, err = run.idle()
	default:
		err = fmt.Errorf("unknown workload %q", parsed.workload)
	}
	return result, err
}

func (r *clientRun) snapshot(request string) (snapshot, error) {
	server, err := r.control.ask(request)
	return snapshot{ownStatistics(request == "collect"), server}, err
}

func (r *clientRun) openWith(command byte) (io.ReadWriteCloser, error) {
	stream, err := r.open()
	if err != nil {
		return nil, err
	}
	_, err = stream.Write([]byte{command})
	return stream, err
}

// startWriters opens streams that write without end and returns the count of bytes written.
func (r *clientRun) startWriters(count int, command byte) (*int64, error) {
	written := new(int64)
	chunk := make([]byte, r.chunkBytes)
	for i := 0; i < count; i++ {
		stream, err := r.openWith(command)
		if err != nil {
			return nil, err
		}
		go func() {
			for {
				accepted, err := stream.Write(chunk)
				atomic.AddInt64(written, int64(accepted))
				if err != nil {
					return
				}
			}
		}()
	}
	return written, nil
}

func (r *clientRun) bulk() (map[string]interface{}, error) {
	stalledWritten, err := r.startWriters(r.stalledStreams, commandStall)
	if err != nil {
		return nil, err
	}
	if _, err := r.startWriters(r.streams, commandSink); err != nil {
		return nil, err
	}
	time.Sleep(r.warmup)
	before, err := r.snapshot("stats")
	if err != nil {
		return nil, err
	}
	time.Sleep(r.duration)
	after, err := r.snapshot("stats")
	if err != nil {
		return nil, err
	}
	result := throughput(before, after)
	result["stalled_bytes_accepted"] = atomic.LoadInt64(stalledWritten)
	return result, nil
}

func throughput(before, after snapshot) map[string]interface{} {
	bytes := float64(after.server.ReceivedBytes - before.server.ReceivedBytes)
	seconds := after.server.MonotonicSeconds - before.server.MonotonicSeconds
	slowest, fastest := math.Inf(1), 0.0
	for i, total := range after.server.StreamReceivedBytes {
		if i < len(before.server.StreamReceivedBytes) {
			total -= before.server.StreamReceivedBytes[i]
		}
		slowest, fastest = math.Min(slowest, float64(total)), math.Max(fastest, float64(total))
	}
	if math.IsInf(slowest, 1) {
		slowest = 0
	}
	result := map[string]interface{}{
		"megabytes_per_second":       bytes / 1e6 / seconds,
		"slowest_to_fastest_stream":  slowest / math.Max(fastest, 1),
		"client_resident_bytes":      after.client.ResidentBytes,
		"server_resident_bytes":      after.server.ResidentBytes,
		"client_peak_resident_bytes": after.client.PeakResidentBytes,
		"server_peak_resident_bytes": after.server.PeakResidentBytes,
	}
	if bytes > 0 {
		perGibibyte, perMebibyte := float64(1<<30)/bytes, float64(1<<20)/bytes
		client := (after.client.cpuSeconds() - before.client.cpuSeconds()) * perGibibyte
		server := (after.server.cpuSeconds() - before.server.cpuSeconds()) * perGibibyte
		result["client_cpu_seconds_per_gib"] = client
		result["server_cpu_seconds_per_gib"] = server
		result["cpu_seconds_per_gib"] = client + server
		clientAllocated := float64(after.client.AllocatedBytes-before.client.AllocatedBytes) * perMebibyte
		serverAllocated := float64(after.server.AllocatedBytes-before.server.AllocatedBytes) * perMebibyte
		result["client_allocated_bytes_per_mib"] = clientAllocated
		result["server_allocated_bytes_per_mib"] = serverAllocated
		result["allocated_bytes_per_mib"] = clientAllocated + serverAllocated
	}
	return result
}

func (r *clientRun) pingPong() (map[string]interface{}, error) {
	if _, err := r.startWriters(r.backgroundStreams, commandSink); err != nil {
		return nil, err
	}
	stream, err := r.openWith(commandEcho)
	if err != nil {
		return nil, err
	}
	if _, err := exchange(stream, r.warmup); err != nil {
		return nil, err
	}
	before, err := r.snapshot("stats")
	if err != nil {
		return nil, err
	}
	microseconds, err := exchange(stream, r.duration)
	if err != nil {
		return nil, err
	}
	after, err := r.snapshot("stats")
	if err != nil {
		return nil, err
	}
	sort.Float64s(microseconds)
	quantile := func(share float64) float64 { return microseconds[int(share*float64(len(microseconds)-1))] }
	result := map[string]interface{}{}
	if r.backgroundStreams > 0 {
		result = throughput(before, after)
	}
	result["round_trips_per_second"] = float64(len(microseconds)) / r.duration.Seconds()
	result["p50_microseconds"] = quantile(0.50)
	result["p99_microseconds"] = quantile(0.99)
	result["p999_microseconds"] = quantile(0.999)
	return result, nil
}

func exchange(stream io.ReadWriter, duration time.Duration) (microseconds []float64, err error) {
	var message [messageBytes]byte
	now := time.Now()
	for end := now.Add(duration); now.Before(end); {
		if _, err := stream.Write(message[:]); err != nil {
			return nil, err
		}
		if _, err := io.ReadFull(stream, message[:]); err != nil {
			return nil, err
		}
		sent := now
		now = time.Now()
		microseconds = append(microseconds, float64(now.Sub(sent).Nanoseconds())/1e3)
	}
	return microseconds, nil
}

// touch opens a stream and exchanges one byte over it.
func (r *clientRun) touch() (io.ReadWriteCloser, error) {
	stream, err := r.openWith(commandTouch)
	if err == nil {
		var reply [1]byte
		_, err = io.ReadFull(stream, reply[:])
	}
	return stream, err
}

func (r *clientRun) openRate() (map[string]interface{}, error) {
	var finished, failed int64
	end := time.Now().Add(r.warmup + r.duration)
	var workers sync.WaitGroup
	for i := 0; i < r.concurrency; i++ {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for time.Now().Before(end) {
				stream, err := r.touch()
				if stream != nil {
					stream.Close()
				}
				if err != nil {
					atomic.AddInt64(&failed, 1)
				} else {
					atomic.AddInt64(&finished, 1)
				}
			}
		}()
	}
	time.Sleep(r.warmup)
	countBefore, timeBefore := atomic.LoadInt64(&finished), time.Now()
	time.Sleep(r.duration)
	countAfter, timeAfter := atomic.LoadInt64(&finished), time.Now()
	return map[string]interface{}{
		"streams_per_second": float64(countAfter-countBefore) / timeAfter.Sub(timeBefore).Seconds(),
		"failed_streams":     atomic.LoadInt64(&failed),
	}, nil
}

func (r *clientRun) idle() (map[string]interface{}, error) {
	const warmupStreams, batchStreams = 100, 1000
	held := make([]io.ReadWriteCloser, warmupStreams+r.streams)
	openRange := func(from, to int) error {
		var next, failures int64 = int64(from) - 1, 0
		var firstError error
		var once sync.Once
		var workers sync.WaitGroup
		for i := 0; i < r.concurrency; i++ {
			workers.Add(1)
			go func() {
				defer workers.Done()
				for index := atomic.AddInt64(&next, 1); index < int64(to); index = atomic.AddInt64(&next, 1) {
					stream, err := r.touch()
					if err != nil {
						atomic.AddInt64(&failures, 1)
						once.Do(func() { firstError = err })
						return
					}
					held[index] = stream
				}
			}()
		}
		workers.Wait()
		if failures > 0 {
			return fmt.Errorf("opening streams failed %d times, first: %w", failures, firstError)
		}
		return nil
	}
	if err := openRange(0, warmupStreams); err != nil {
		return nil, err
	}
	before, err := r.snapshot("collect")
	if err != nil {
		return nil, err
	}
	start := time.Now()
	var firstBatch, lastBatch float64
	for from := warmupStreams; from < len(held); from += batchStreams {
		to := from + batchStreams
		if to > len(held) {
			to = len(held)
		}
		batchStart := time.Now()
		if err := openRange(from, to); err != nil {
			return nil, err
		}
		lastBatch = float64(time.Since(batchStart).Microseconds()) / float64(to-from)
		if from == warmupStreams {
			firstBatch = lastBatch
		}
	}
	openSeconds := time.Since(start).Seconds()
	time.Sleep(time.Second)
	natural, err := r.snapshot("stats")
	if err != nil {
		return nil, err
	}
	collected, err := r.snapshot("collect")
	if err != nil {
		return nil, err
	}
	perStream := func(after, before int64) float64 { return float64(after-before) / float64(r.streams) }
	result := map[string]interface{}{
		"idle_streams":                   r.streams,
		"open_first_microseconds":        firstBatch,
		"open_last_microseconds":         lastBatch,
		"open_seconds":                   openSeconds,
		"client_resident_per_stream":     perStream(natural.client.ResidentBytes, before.client.ResidentBytes),
		"server_resident_per_stream":     perStream(natural.server.ResidentBytes, before.server.ResidentBytes),
		"client_bytes_per_idle_stream":   perStream(collected.client.ResidentBytes, before.client.ResidentBytes),
		"server_bytes_per_idle_stream":   perStream(collected.server.ResidentBytes, before.server.ResidentBytes),
		"client_managed_heap_per_stream": perStream(collected.client.ManagedHeapBytes, before.client.ManagedHeapBytes),
		"server_managed_heap_per_stream": perStream(collected.server.ManagedHeapBytes, before.server.ManagedHeapBytes),
	}
	// Still alive: every held stream must be usable until here.
	for _, stream := range held {
		stream.Close()
	}
	return result, nil
}
