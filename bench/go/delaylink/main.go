// Command delaylink joins two network namespaces by a long fat link made of two TUN
// devices, for kernels without sch_netem. Every packet leaves one device and reaches
// the other after serialisation at --megabits plus --delay. TCP runs end to end over
// it, so windows and congestion control meet a real round trip time.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

const (
	requestSetInterface = 0x400454ca
	requestSetOffload   = 0x400454d0
	flagsTunNoInfo      = 0x0001 | 0x1000 | 0x4000 // IFF_TUN | IFF_NO_PI | IFF_VNET_HDR
	offloadChecksumTso  = 0x01 | 0x02              // TUN_F_CSUM | TUN_F_TSO4
	headerBytes         = 10                       // struct virtio_net_hdr
)

type packet struct {
	bytes []byte
	due   time.Time
}

func main() {
	near := flag.String("near", "muxpro-near", "first namespace; gets 10.99.0.1")
	far := flag.String("far", "muxpro-far", "second namespace; gets 10.99.0.2")
	delay := flag.Duration("delay", 50*time.Millisecond, "delay of each direction")
	megabits := flag.Float64("megabits", 1000, "rate of each direction")
	queue := flag.Duration("queue", 100*time.Millisecond, "longest queue before packets are dropped")
	flag.Parse()

	nearDevice := openDevice("near0", *near, "10.99.0.1/24")
	farDevice := openDevice("far0", *far, "10.99.0.2/24")
	secondsPerByte := 8 / (*megabits * 1e6)
	go carry(nearDevice, farDevice, *delay, *queue, secondsPerByte)
	go carry(farDevice, nearDevice, *delay, *queue, secondsPerByte)
	fmt.Println("ready")
	select {}
}

func openDevice(name, namespace, address string) int {
	device, err := syscall.Open("/dev/net/tun", syscall.O_RDWR, 0)
	check(err)
	var request struct {
		name  [16]byte
		flags uint16
		_     [22]byte
	}
	copy(request.name[:], name)
	request.flags = flagsTunNoInfo
	control(device, requestSetInterface, uintptr(unsafe.Pointer(&request)))
	control(device, requestSetOffload, offloadChecksumTso)
	for _, command := range []string{
		"ip link set " + name + " netns " + namespace,
		"ip -n " + namespace + " link set lo up",
		"ip -n " + namespace + " address add " + address + " dev " + name,
		"ip -n " + namespace + " link set " + name + " mtu 1500 txqueuelen 10000 up",
	} {
		words := strings.Fields(command)
		if output, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
			check(fmt.Errorf("%s: %s", command, output))
		}
	}
	return device
}

func carry(from, to int, delay, queue time.Duration, secondsPerByte float64) {
	inFlight := make(chan packet, 1<<18)
	go func() {
		for next := range inFlight {
			time.Sleep(time.Until(next.due))
			syscall.Write(to, next.bytes) // a full device drops, as a link would
		}
	}()
	buffer := make([]byte, 1<<17)
	var busyUntil time.Time
	for {
		count, err := syscall.Read(from, buffer)
		if err != nil {
			continue
		}
		now := time.Now()
		if busyUntil.Before(now) {
			busyUntil = now
		}
		if busyUntil.Sub(now) > queue {
			continue
		}
		busyUntil = busyUntil.Add(time.Duration(float64(count-headerBytes) * secondsPerByte * 1e9))
		inFlight <- packet{append([]byte(nil), buffer[:count]...), busyUntil.Add(delay)}
	}
}

func control(device int, request, argument uintptr) {
	if _, _, code := syscall.Syscall(syscall.SYS_IOCTL, uintptr(device), request, argument); code != 0 {
		check(code)
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "delaylink:", err)
		os.Exit(1)
	}
}
