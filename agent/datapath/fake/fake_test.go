package fake

import (
	"bytes"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/datapath/datapathtest"
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/id"
	"midonet.org/midonet/topology"
)

// wire makes an Interface the suite's.
type wire struct{ *Interface }

func (w wire) Send(_ *testing.T, frame []byte) { w.Interface.Send(frame) }

func (w wire) Receive(_ *testing.T, wait time.Duration) []byte { return w.Interface.Receive(wait) }

func newHarness(_ *testing.T, o datapathtest.Options) (hosts [2]*datapathtest.Host) {
	underlay := &Underlay{}
	for i := range hosts {
		ipv4 := netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 1)})
		ipv6 := netip.AddrFrom16([16]byte{0: 0xfd, 15: byte(i + 1)})
		d := New(Config{
			Underlay: underlay, Endpoints: []netip.Addr{ipv4, ipv6},
			MaxFlows: o.MaxFlows, MissRate: o.MissRate, MissBurst: o.MissBurst, StateBurst: o.StateBurst,
		})
		made := 0
		hosts[i] = &datapathtest.Host{
			Datapath: d, IPv4: ipv4, IPv6: ipv6,
			NewInterface: func(*testing.T) datapathtest.Interface {
				made++
				return wire{d.AddInterface(fmt.Sprintf("port%d", made))}
			},
		}
	}
	return hosts
}

func TestSuite(t *testing.T) { datapathtest.Run(t, newHarness) }

// TestInjectAndSent is the use by tests of other packages: by port, without an interface in hand.
func TestInjectAndSent(t *testing.T) {
	d := New(Config{})
	a, b := id.New[topology.Port](), id.New[topology.Port]()
	for name, port := range map[string]topology.PortID{"a": a, "b": b} {
		d.AddInterface(name)
		if err := d.SetPort(datapath.Port{ID: port, Interface: name}); err != nil {
			t.Fatal(err)
		}
	}
	frame := packet.Header{EtherType: 0x88b5}.Frame([]byte("hello"))
	d.Inject(id.New[topology.Port](), frame) // nobody's
	d.Inject(a, frame)
	buf := make([]datapath.Miss, 4)
	n, err := d.Receive(t.Context(), buf)
	if err != nil || n != 1 || buf[0].InPort != a || !bytes.Equal(buf[0].Frame, frame) {
		t.Fatalf("Receive() = %v, %v, want the frame from %s", buf[:n], err, a)
	}
	out := flow.Actions{Outputs: []flow.Output{{Port: b}}}
	if err := d.Execute([]datapath.Packet{{Frame: frame, Actions: out}, {Frame: frame, Actions: out}}); err != nil {
		t.Fatal(err)
	}
	if sent := d.Sent(b); len(sent) != 2 || !bytes.Equal(sent[0], frame) {
		t.Errorf("Sent() = %x, want the frame twice", sent)
	}
	if sent := d.Sent(b); len(sent) != 0 {
		t.Errorf("Sent() = %x, want nothing the second time", sent)
	}
}

// TestNow checks that time is the test's: what is idle is so without waiting.
func TestNow(t *testing.T) {
	now := time.Unix(1000, 0)
	d := New(Config{Now: func() time.Time { return now }})
	d.AddInterface("a")
	a := id.New[topology.Port]()
	if err := d.SetPort(datapath.Port{ID: a, Interface: "a"}); err != nil {
		t.Fatal(err)
	}
	if err := d.Install([]flow.Flow{{Key: flow.Key{InPort: a}}}); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Minute)
	if err := d.Entries(func(e datapath.Entry) bool {
		if e.Stats.LastUsed != time.Minute {
			t.Errorf("last used %v ago, want a minute", e.Stats.LastUsed)
		}
		return true
	}); err != nil {
		t.Fatal(err)
	}
}
