package worker

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/sim"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/agent/view/viewtest"
	"midonet.org/midonet/id"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

func TestTurnsToAdvertise(t *testing.T) {
	a, now, port := advertisements{}, time.Now(), id.New[topology.Port]()
	plugged := map[topology.PortID]plug{port: {}}
	speaks := func(at time.Time) bool { return len(a.due(at, plugged)) == 1 }
	if !speaks(now) {
		t.Fatal("nothing is said when a port comes")
	}
	for range firstAdvertisements - 1 {
		if speaks(now.Add(firstInterval - 1)) {
			t.Error("too soon")
		}
		now = now.Add(firstInterval)
		if !speaks(now) {
			t.Error("the first advertisements do not follow each other")
		}
	}
	if speaks(now.Add(sim.MinAdvertise-1)) || !speaks(now.Add(sim.MaxAdvertise)) {
		t.Error("later ones are not within the RFC's bounds")
	}
	a.due(now, nil)
	if len(a) != 0 {
		t.Error("a port that is gone has a turn")
	}
}

// lan is a router's interface on a network with a workload here.
const lan = `
bridge blue
port vm1 blue key 11
bind vm1 h1 tap0
router r1
port r1b blue peer r1-blue device r1
rport r1-blue r1 fa:16:3e:aa:00:01 fd00::1/64,fd01::1/64 peer r1b mtu 1450 advertise slaac
`

// TestRoutersSayWhatIsSoNoLonger: workloads are told at once when a router of theirs goes, is switched off or leaves a subnet, and when it is back;
// RFC 4861 has the lifetime of the router at octet 6 of the ICMPv6 message, and the preferred one of a prefix at octet 8 of its option.
func TestRoutersSayWhatIsSoNoLonger(t *testing.T) {
	r := newTextRig(t, 64, lan)
	said := func(change string, gone ...topology.Key) (lifetimes []string) {
		t.Helper()
		d := view.Delta{Puts: viewtest.MustParse(change), Deletes: gone}
		r.sent()
		r.Apply(d)
		r.advertise(r.clock.Now())
		for _, p := range r.sent() {
			const message, options, prefix, preferred = 14 + 40, 16, 3, 8
			text := fmt.Sprint(binary.BigEndian.Uint16(p.Frame[message+6:]))
			for o := p.Frame[message+options:]; len(o) > 0; o = o[int(o[1])*8:] {
				if o[0] == prefix {
					text += fmt.Sprintf(" %s %d", netip.AddrFrom16([16]byte(o[16:32])), binary.BigEndian.Uint32(o[preferred:]))
				}
			}
			lifetimes = append(lifetimes, text)
		}
		return lifetimes
	}
	const all, none = "1800 fd00:: 604800 fd01:: 604800", "0 fd00:: 0 fd01:: 0"
	one := strings.Replace(lan, "fd00::1/64,fd01::1/64", "fd00::1/64", 1)
	port, inner := viewtest.ID[topology.Port]("r1-blue"), viewtest.ID[topology.Port]("r1b")
	for i, step := range []struct {
		change string
		gone   []topology.Key
		want   []string
	}{
		{"", nil, []string{all}},
		{"chain nothing", nil, nil},
		{"router r1 down", nil, []string{none}},
		{"router r1", nil, []string{all}},
		{one, nil, []string{"1800 fd00:: 604800 fd01:: 0", "1800 fd00:: 604800"}},
		{lan, nil, []string{all}},
		{"", []topology.Key{{Kind: topology.KindPort, ID: port}, {Kind: topology.KindPort, ID: inner}}, []string{none}},
		{lan, nil, []string{all}},
		{"port vm1 blue key 11 down", []topology.Key{{Kind: topology.KindPort, ID: port}}, nil},
	} {
		if got := said(step.change, step.gone...); !slices.Equal(got, step.want) {
			t.Errorf("step %d: the workload is told %q, want %q", i, got, step.want)
		}
	}
}

// TestAddressesOfRoutersAreAnnounced: who is on a network hears at once that a router has come to have an address there, or another router, and of
// addresses of workloads, who speak for themselves, nothing.
func TestAddressesOfRoutersAreAnnounced(t *testing.T) {
	r := newTextRig(t, 64, lan+`
port vm2 blue
bind vm2 h2 tap0
bridge red
port vm3 red
bind vm3 h1 tap1
port r2b blue peer r2-blue device r2
neighbour blue 10.0.0.1 fa:16:3e:aa:00:01 r1b
`)
	for i, step := range []struct {
		change string
		want   string
	}{
		{"neighbour blue 10.0.0.1 fa:16:3e:aa:00:01 r1b", ""},
		{"neighbour blue 10.0.0.9 fa:16:3e:aa:00:01 r1b", "arp 10.0.0.9 fa:16:3e:aa:00:01"},
		{"neighbour blue 10.0.0.9 fa:16:3e:bb:00:01 r2b", "arp 10.0.0.9 fa:16:3e:bb:00:01"},
		{"neighbour blue fd00::9 fa:16:3e:bb:00:01 r2b", "nd fd00::9 fa:16:3e:bb:00:01"},
		{"neighbour blue 10.0.0.2 02:00:00:00:00:02 vm2", ""},
		{"port vm1 blue key 11 down\nneighbour blue 10.0.0.10 fa:16:3e:aa:00:01 r1b", ""},
	} {
		r.sent()
		r.Apply(view.Delta{Puts: viewtest.MustParse(step.change)})
		said := ""
		for _, sent := range r.sent() {
			var p packet.Packet
			if err := packet.Parse(sent.Frame, &p); err != nil || sent.Actions.Outputs[0].Port != viewtest.ID[topology.Port]("vm1") {
				t.Fatalf("step %d: %v to %v", i, err, sent.Actions.Outputs)
			}
			switch {
			case p.ARP.Gratuitous() && p.ARP.Operation == packet.ARPRequest && p.DstMAC == mac.Broadcast:
				said += fmt.Sprint("arp ", p.ARP.SenderIP, " ", p.ARP.SenderMAC)
			case p.ValidAdvertisement() && p.DstMAC.IsMulticast():
				said += fmt.Sprint("nd ", p.ND.Target, " ", p.ND.LinkLayer)
			}
		}
		if said != step.want {
			t.Errorf("step %d: %q is said, want %q", i, said, step.want)
		}
	}
}
