package fake

import (
	"bytes"
	"net/netip"
	"sync"
	"time"

	"midonet.org/midonet/topology"
)

// Underlay carries tunnelled frames between fakes. The zero value is ready for use.
type Underlay struct {
	// Copies, where not nil, says how often a frame with the tunnel key comes: 0 times where it is lost.
	Copies func(tunnelKey uint32) int
	// Late, where not nil, says of each copy whether it comes when Deliver is called, and not at once.
	Late func(tunnelKey uint32) bool

	mu    sync.RWMutex
	hosts map[netip.Addr]*Datapath
	late  []late
}

// late is a frame that has not come yet.
type late struct {
	tunnelled
	to *Datapath
}

func (u *Underlay) join(d *Datapath, endpoints []netip.Addr) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.hosts == nil {
		u.hosts = map[netip.Addr]*Datapath{}
	}
	for _, e := range endpoints {
		u.hosts[e] = d
	}
}

// carry reports false where nobody has the address, also on no underlay at all.
func (u *Underlay) carry(t tunnelled) bool {
	if u == nil {
		return false
	}
	u.mu.RLock()
	to := u.hosts[t.output.Peer]
	u.mu.RUnlock()
	if to == nil {
		return false
	}
	copies := 1
	if u.Copies != nil {
		copies = u.Copies(t.output.TunnelKey)
	}
	for range copies {
		if u.Late != nil && u.Late(t.output.TunnelKey) {
			u.mu.Lock()
			u.late = append(u.late, late{t, to})
			u.mu.Unlock()
			continue
		}
		to.arrive(t.output.TunnelKey, bytes.Clone(t.frame))
	}
	return true
}

// Deliver brings all frames that are late, in an order by which shuffle exchanges them.
func (u *Underlay) Deliver(shuffle func(n int, swap func(i, j int))) {
	u.mu.Lock()
	now := u.late
	u.late = nil
	u.mu.Unlock()
	shuffle(len(now), func(i, j int) { now[i], now[j] = now[j], now[i] })
	for _, l := range now {
		l.to.arrive(l.output.TunnelKey, bytes.Clone(l.frame))
	}
}

// Interface is an interface of the host that a port can be plugged into, seen from the workload.
type Interface struct {
	name string
	host *Datapath
	port topology.PortID // guarded by host.mu; zero while no port is plugged in

	mu   sync.Mutex
	out  [][]byte
	more chan struct{} // has a token when frames wait
}

// AddInterface makes an interface, or returns the one that has the name.
func (d *Datapath) AddInterface(name string) *Interface {
	d.mu.Lock()
	defer d.mu.Unlock()
	if i, ok := d.interfaces[name]; ok {
		return i
	}
	i := &Interface{name: name, host: d, more: make(chan struct{}, 1)}
	d.interfaces[name] = i
	return i
}

// Name returns the name that datapath.Port.Interface refers to.
func (i *Interface) Name() string { return i.name }

// Send is a frame from the workload. It is lost where no port is plugged in.
func (i *Interface) Send(frame []byte) {
	i.host.mu.Lock()
	id := i.port
	i.host.mu.Unlock()
	i.host.Inject(id, frame)
}

// Receive returns the next frame to the workload, nil if none comes within the wait.
func (i *Interface) Receive(wait time.Duration) []byte {
	timeout := time.NewTimer(wait)
	defer timeout.Stop()
	for {
		if frame := i.next(); frame != nil {
			return frame
		}
		select {
		case <-i.more:
		case <-timeout.C:
			return i.next()
		}
	}
}

func (i *Interface) next() []byte {
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.out) == 0 {
		return nil
	}
	frame := i.out[0]
	i.out = i.out[1:]
	return frame
}

func (i *Interface) put(frame []byte) {
	i.mu.Lock()
	i.out = append(i.out, frame)
	i.mu.Unlock()
	select {
	case i.more <- struct{}{}:
	default:
	}
}

func (i *Interface) take() [][]byte {
	i.mu.Lock()
	defer i.mu.Unlock()
	all := i.out
	i.out = nil
	return all
}
