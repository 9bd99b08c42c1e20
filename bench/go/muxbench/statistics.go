package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// processStatistics is what one process reports about itself. Both drivers use these names.
type processStatistics struct {
	MonotonicSeconds    float64 `json:"monotonic_seconds"`
	CpuUserSeconds      float64 `json:"cpu_user_seconds"`
	CpuSystemSeconds    float64 `json:"cpu_system_seconds"`
	ResidentBytes       int64   `json:"resident_bytes"`
	PeakResidentBytes   int64   `json:"peak_resident_bytes"`
	ManagedHeapBytes    int64   `json:"managed_heap_bytes"`
	AllocatedBytes      int64   `json:"allocated_bytes"`
	ReceivedBytes       int64   `json:"received_bytes"`
	StreamReceivedBytes []int64 `json:"stream_received_bytes,omitempty"`
}

func (s processStatistics) cpuSeconds() float64 { return s.CpuUserSeconds + s.CpuSystemSeconds }

var processStart = time.Now()

func ownStatistics(collectGarbage bool) processStatistics {
	if collectGarbage {
		debug.FreeOSMemory()
	}
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	resident, peak := residentMemory()
	return processStatistics{
		MonotonicSeconds:  time.Since(processStart).Seconds(),
		CpuUserSeconds:    float64(usage.Utime.Nano()) / 1e9,
		CpuSystemSeconds:  float64(usage.Stime.Nano()) / 1e9,
		ResidentBytes:     resident,
		PeakResidentBytes: peak,
		ManagedHeapBytes:  int64(memory.HeapInuse + memory.StackInuse),
		AllocatedBytes:    int64(memory.TotalAlloc),
	}
}

func residentMemory() (resident, peak int64) {
	text, _ := os.ReadFile("/proc/self/status")
	for _, line := range strings.Split(string(text), "\n") {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		kibibytes, _ := strconv.ParseInt(fields[1], 10, 64)
		switch fields[0] {
		case "VmRSS:":
			resident = kibibytes * 1024
		case "VmHWM:":
			peak = kibibytes * 1024
		}
	}
	return resident, peak
}
