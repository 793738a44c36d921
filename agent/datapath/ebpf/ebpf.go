// Package ebpf is the flow cache in the kernel: three programs (bpf/datapath.c) on the plugged interfaces, the VXLAN device and a
// device by which the agent sends, joined by maps.
//
// Maps and attachments are pinned in a BPF file system, so that forwarding goes on while no agent runs; the next Open takes them
// over and swaps the programs in place without losing a packet. The ring of misses, the seeds and the table of packet-outs are the
// agent's own and made anew: what the programs make of seeds before they are swapped stands among the flows.
//
// Everything happens in the network namespace of the thread that calls Open, whichever goroutine uses the datapath later. A BPF
// file system that the agent mounts must be seen by its successor, so the mount namespace is to outlive it (nsenter --net keeps the
// caller's, ip netns exec makes a new one).
package ebpf

import (
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/cilium/ebpf/ringbuf"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/netns"
	"midonet.org/midonet/topology"
)

// Config says where the datapath lives and how large it is. Fields that are zero get their default.
type Config struct {
	// PinDir is where maps and attachments are pinned. A BPF file system is mounted there unless it is in one.
	PinDir string
	// TunnelDevice is the name of the VXLAN device; default mn-vxlan.
	TunnelDevice string
	// TunnelPort is the UDP port of tunnelled packets, ours and the peers'; default 6677, MidoNet's own.
	TunnelPort int
	// InjectDevice is the name of the device by which the agent sends; default mn-inject.
	InjectDevice string
	// MaxFlows is how many flows the cache holds; default 131,072, which take 49 MB of kernel memory at once (the kernel
	// allocates least-recently-used maps whole). A change starts with an empty cache.
	MaxFlows int
	// MissBuffer is the size of the ring of misses in octets, a power of two and at least 128 KiB; default 1 MiB. A larger one
	// loses fewer misses in a burst and lets them wait longer in a flood.
	MissBuffer int
	// MissRate is how many misses a second one port may make, and MissBurst how many at once; default 10,000 and 1,000.
	MissRate, MissBurst int
	// StateRate is how many state messages a second the agent takes from all other hosts, and StateBurst how many at once; default
	// 20,000 and 2,000.
	StateRate, StateBurst int
	Log                   *slog.Logger // default discards
}

func (c Config) withDefaults() Config {
	c.TunnelDevice = or(c.TunnelDevice, "mn-vxlan")
	c.TunnelPort = or(c.TunnelPort, 6677)
	c.InjectDevice = or(c.InjectDevice, "mn-inject")
	c.MaxFlows = or(c.MaxFlows, 1<<17)
	c.MissBuffer = or(c.MissBuffer, 1<<20)
	c.MissRate = or(c.MissRate, 10_000)
	c.MissBurst = or(c.MissBurst, 1_000)
	c.StateRate = or(c.StateRate, 20_000)
	c.StateBurst = or(c.StateBurst, 2_000)
	c.Log = or(c.Log, slog.New(slog.DiscardHandler))
	return c
}

func or[T comparable](value, fallback T) T {
	var zero T
	if value == zero {
		return fallback
	}
	return value
}

// timing returns a rate as the programs count it: the nanoseconds between two packets, and how far ahead of that one may be.
func timing(rate, burst int) (interval, ahead uint64) {
	interval = max(1, uint64(time.Second)/uint64(rate))
	return interval, interval * uint64(burst)
}

// Datapath is the kernel's flow cache; it implements datapath.Datapath.
type Datapath struct {
	log     *slog.Logger
	dir     string
	lock    *os.File // held on dir: one agent at a time
	inside  netns.Namespace
	objects bpfObjects
	devices devices
	ring    *ringbuf.Reader
	sender  *sender

	// Of Receive alone, which one goroutine calls.
	backlog  *backlog
	received [][]byte         // what the misses of the last Receive point into
	births   []datapath.Birth // and these
	spare    [][]byte         // room for records
	disowned []bpfFlowKey     // of flows that the agent has not heard of
	record   ringbuf.Record
	begun    bool      // word of a connection that has begun was taken since the last look was announced
	look     time.Time // until then such word has woken nobody

	mu      sync.RWMutex // guards what is below, which mirrors the kernel's maps of ports and settings
	ports   map[topology.PortID]*plug
	byIndex map[uint32]topology.PortID
	wide    uint32 // which flows there may be: of the settings
}

var _ datapath.Datapath = (*Datapath)(nil)

// Open makes the datapath, or takes over the one that an earlier agent left in PinDir. It returns an errs.Unavailable that says
// what this machine lacks, and an errs.Conflict where another agent holds PinDir.
func Open(c Config) (*Datapath, error) {
	c = c.withDefaults()
	d := &Datapath{
		log: c.Log, dir: c.PinDir,
		ports: map[topology.PortID]*plug{}, byIndex: map[uint32]topology.PortID{},
	}
	runtime.LockOSThread() // in the namespace
	defer runtime.UnlockOSThread()
	if err := d.open(c); err != nil {
		d.Close()
		if missing := Check(); missing != nil {
			return nil, missing
		}
		return nil, err
	}
	return d, nil
}

func (d *Datapath) open(c Config) (err error) {
	if d.inside, err = netns.Own(); err != nil {
		return err
	}
	if err = mountBPF(d.dir); err != nil {
		return err
	}
	if d.lock, err = lockDir(d.dir); err != nil {
		return err
	}
	if d.devices, err = ensureDevices(c); err != nil {
		return err
	}
	if err = d.load(c); err != nil {
		return fmt.Errorf("loading the flow cache: %w", err)
	}
	if d.ring, err = ringbuf.NewReader(d.objects.Misses); err != nil {
		return fmt.Errorf("opening the ring of misses: %w", err)
	}
	d.backlog = newBacklog(maxWaiting, c.MissBuffer)
	if d.sender, err = newSender(d.devices.inject, d.objects.Exec); err != nil {
		return err
	}
	return d.attachAll()
}

// attachAll puts the programs in place, of the earlier agent's ports as well. Until here nothing that forwards was touched.
func (d *Datapath) attachAll() error {
	if err := d.attach("tunnel", d.devices.tunnel, d.objects.FromTunnel, ingress); err != nil {
		return err
	}
	if err := d.attach("inject", d.devices.inject, d.objects.FromAgent, egress); err != nil {
		return err
	}
	return d.restorePorts()
}

// Close ends the agent's hold; what is installed goes on forwarding. Misses are lost until the next Open.
func (d *Datapath) Close() error {
	if d.ring != nil {
		d.ring.Close()
	}
	if d.sender != nil {
		d.sender.close()
	}
	d.objects.Close()
	d.inside.Close()
	if d.lock != nil {
		d.lock.Close()
	}
	return nil
}
