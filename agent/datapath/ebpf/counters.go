package ebpf

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"midonet.org/midonet/agent/datapath"
)

// Indices of the counters: enum counter of bpf/types.h.
const (
	counterHits uint32 = iota
	counterMisses
	counterMissesLost
	counterTunnelUnknown
	counterErrors
	counterStates
	counterStatesLost
	counterSendErrors
	counterBacklogLost
	counterBorn
	counterEnd
)

// Counters implements datapath.Datapath.
func (d *Datapath) Counters() (datapath.Counters, error) {
	var totals [counterEnd]uint64
	for i := range counterEnd {
		var perCPU []uint64
		if err := d.objects.Counters.Lookup(i, &perCPU); err != nil {
			return datapath.Counters{}, fmt.Errorf("reading the counters: %w", err)
		}
		for _, n := range perCPU {
			totals[i] += n
		}
	}
	return datapath.Counters{
		Hits: totals[counterHits], Misses: totals[counterMisses] - totals[counterBacklogLost], MissesLost: totals[counterMissesLost] + totals[counterBacklogLost],
		Born: totals[counterBorn], States: totals[counterStates], StatesLost: totals[counterStatesLost],
		TunnelUnknown: totals[counterTunnelUnknown], Errors: totals[counterErrors] + totals[counterSendErrors],
	}, nil
}

// addTo adds to a counter that no program writes, and one goroutine at a time.
func (d *Datapath) addTo(counter uint32, n int) error {
	var perCPU []uint64
	if err := d.objects.Counters.Lookup(counter, &perCPU); err != nil {
		return fmt.Errorf("counting what the agent lost: %w", err)
	}
	perCPU[0] += uint64(n)
	return d.objects.Counters.Put(counter, perCPU)
}

// SetSource implements datapath.Datapath. Of several addresses of a family the first counts.
func (d *Datapath) SetSource(endpoints []netip.Addr) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.set(func(s *bpfConfig) {
		s.SourceIpv4, s.SourceIpv6 = 0, [16]byte{}
		for _, e := range endpoints {
			e = e.Unmap()
			switch {
			case e.Is4() && s.SourceIpv4 == 0:
				b := e.As4()
				s.SourceIpv4 = binary.BigEndian.Uint32(b[:])
			case e.Is6() && s.SourceIpv6 == [16]byte{}:
				s.SourceIpv6 = e.As16()
			}
		}
	})
}

// set changes the settings. The caller holds d.mu, or nobody else has the datapath yet.
func (d *Datapath) set(change func(*bpfConfig)) error {
	var s bpfConfig
	if err := d.objects.Settings.Lookup(uint32(0), &s); err != nil {
		return fmt.Errorf("reading the settings: %w", err)
	}
	change(&s)
	if err := d.objects.Settings.Put(uint32(0), &s); err != nil {
		return fmt.Errorf("writing the settings: %w", err)
	}
	d.wide = s.Wide
	return nil
}
