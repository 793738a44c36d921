package worker

import (
	"bytes"
	"log/slog"
	"net/netip"
	"strings"
	"testing"

	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/topology"
)

// TestTooLargeAnMTUIsToldOnce follows a network whose packets come to fit and cease to fit into the underlay.
func TestTooLargeAnMTUIsToldOnce(t *testing.T) {
	b := newRig(t, 2)
	var log bytes.Buffer
	b.log = slog.New(slog.NewTextHandler(&log, nil))
	ipv4, ipv6 := []netip.Addr{netip.MustParseAddr("192.0.2.1")}, []netip.Addr{netip.MustParseAddr("2001:db8::1")}
	resize := func(mtu int) {
		bridge := *b.network.bridge
		bridge.MTU = mtu
		b.Apply(view.Delta{Puts: []topology.Object{&bridge}})
	}
	underlay := func(endpoints []netip.Addr, mtu int) {
		if err := b.SetUnderlay(endpoints, mtu); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct {
		what    string
		do      func()
		told    string // what the log says, "" for nothing
		present bool   // the status says so
	}{
		{"1450 in 1500", func() { b.Apply(b.network.snapshot()) }, "", false},
		{"1451 in 1500", func() { resize(1451) }, "MTU of 1451, which makes packets of 1501 octets between hosts, and the underlay's MTU is 1500", true},
		{"nothing new", func() { b.SetInterfaces(b.interfaces()) }, "", true},
		{"1451 in 9000", func() { underlay(ipv4, 9000) }, "", false},
		{"8931 in 9000, IPv6", func() { underlay(ipv6, 9000); resize(8931) }, "packets of 9001 octets", true},
		{"8930 in 9000, IPv6", func() { resize(8930) }, "", false},
		{"an unknown underlay", func() { underlay(nil, 0); resize(9000) }, "", false},
	} {
		log.Reset()
		step.do()
		if said := strings.Contains(log.String(), "underlay's MTU"); said != (step.told != "") || !strings.Contains(log.String(), step.told) {
			t.Errorf("%s: the log says %q, want %q", step.what, log.String(), step.told)
		}
		if s, _ := b.Status(); (len(s.Problems) > 0) != step.present {
			t.Errorf("%s: the status says %q", step.what, s.Problems)
		}
	}
}
