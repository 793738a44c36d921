package sim

import (
	"slices"
	"testing"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/agent/view/viewtest"
	"midonet.org/midonet/topology"
)

const twoPorts = `
host h1 192.0.2.1
host h2 192.0.2.2
bridge blue
port p1 blue key 11
port p2 blue key 12
port p3 blue key 13
bind p1 h1 tap1
bind p2 h1 tap2
bind p3 h2 tap3
mac blue fa:16:3e:00:00:01 p1
mac blue fa:16:3e:00:00:02 p2
neighbour blue 10.0.0.4 fa:16:3e:00:00:02 p2
neighbour blue fd00::4 fa:16:3e:00:00:02 p2
dhcp s1 blue 10.0.0.0/24 router=10.0.0.1 server=10.0.0.2
`

func frameOf(t testing.TB, description string) []byte {
	t.Helper()
	d, err := packet.ParseDescription(description)
	if err != nil {
		t.Fatal(err)
	}
	return d.Frame()
}

// TestNamesGiveNoOrders: what a project calls its ports does not move the cursor of who traces a packet.
func TestNamesGiveNoOrders(t *testing.T) {
	port := *viewtest.View(twoPorts).Port(viewtest.ID[topology.Port]("p1"))
	port.Name, port.AdminUp = "p1\x1b[2J\nport p2", false
	v, _ := viewtest.View(twoPorts).Apply(view.Delta{Puts: []topology.Object{&port}})
	r := Simulate(v, Input{InPort: port.ID, Frame: frameOf(t, "icmp 10.0.0.3 > 10.0.0.4"), Trace: true})
	if want := "port p1\ufffd[2J\ufffdport p2 (" + port.ID.Short() + ")"; len(r.Steps) != 1 || r.Steps[0].Device != want {
		t.Errorf("steps %q, want one of %q", r.Steps, want)
	}
}

// TestTooManyDevices enters one bridge again and again, as a packet would that goes in circles.
func TestTooManyDevices(t *testing.T) {
	v := viewtest.View(twoPorts)
	w := newWalk(v, Input{InPort: viewtest.ID[topology.Port]("p1")})
	w.at = v.Port(w.in.InPort)
	frame := frameOf(t, "icmp 10.0.0.3 > 10.0.0.4 smac fa:16:3e:00:00:01 dmac fa:16:3e:00:00:02")
	if err := packet.Parse(frame, &w.packet); err != nil {
		t.Fatal(err)
	}
	for i := range MaxDevices {
		if w.enterBridge(viewtest.ID[topology.Bridge]("blue")); w.result.Verdict != Forward {
			t.Fatalf("verdict %s at device %d", w.result.Verdict, i+1)
		}
	}
	w.enterBridge(viewtest.ID[topology.Bridge]("blue"))
	if w.result.Verdict != Error || w.result.Hard != HardError || !w.result.Actions.Drop() {
		t.Errorf("verdict %s with %s after %d devices, want an error and no output", w.result.Verdict, w.result.Actions, MaxDevices+1)
	}
}

// TestSimulateAllocates holds the figure that a known destination costs in a room: outputs now and then, for several results at once.
func TestSimulateAllocates(t *testing.T) {
	v := viewtest.View(twoPorts)
	in := Input{InPort: viewtest.ID[topology.Port]("p1"),
		Frame: frameOf(t, "tcp 10.0.0.3:1 > 10.0.0.4:2 smac fa:16:3e:00:00:01 dmac fa:16:3e:00:00:02")}
	in.Room = new(Room)
	if n := testing.AllocsPerRun(10*outputsAtOnce, func() { Simulate(v, in) }); n != 0 { // on the average, and that rounded down
		t.Errorf("%v allocations, want less than one", n)
	}
}

func TestMalformedFramesAreDropped(t *testing.T) {
	r := Simulate(viewtest.View(twoPorts), Input{InPort: viewtest.ID[topology.Port]("p1"), Frame: make([]byte, 13), Trace: true})
	if r.Verdict != Drop || r.Cache || len(r.Steps) != 1 {
		t.Errorf("%+v, want a drop of this frame alone, with the reason", r)
	}
}

// FuzzSimulate sends any frame into a small network: nothing panics, and what comes out obeys the rules that hold for all packets.
func FuzzSimulate(f *testing.F) {
	for _, s := range []string{"icmp 10.0.0.3 > 10.0.0.4 smac fa:16:3e:00:00:01 dmac fa:16:3e:00:00:02", "arp 10.0.0.3 > 10.0.0.4",
		"nd fd00::3 > fd00::4", "nd :: > fd00::4", "udp 10.0.0.3:1 > 255.255.255.255:9", "arp 10.0.0.3 > 10.0.0.2", "0x88b5 vlan 7", "dhcp"} {
		f.Add(frameOf(f, s))
	}
	v, port := viewtest.View(twoPorts), viewtest.ID[topology.Port]("p1")
	f.Fuzz(func(t *testing.T, frame []byte) {
		r := Simulate(v, Input{InPort: port, Frame: frame, Trace: true})
		if len(r.Steps) == 0 {
			t.Error("no step says why")
		}
		if quiet := Simulate(v, Input{InPort: port, Frame: frame}); quiet.Verdict != r.Verdict || !slices.Equal(quiet.Tags, r.Tags) {
			t.Errorf("verdict %s with a trace and %s without", r.Verdict, quiet.Verdict)
		}
		if forwards := r.Verdict == Forward; forwards == r.Actions.Drop() {
			t.Errorf("verdict %s with %s", r.Verdict, r.Actions)
		}
		if slices.ContainsFunc(r.Actions.Outputs, func(o flow.Output) bool { return o.Port == port }) {
			t.Errorf("the packet goes back to where it came from: %s", r.Actions)
		}
		for _, e := range r.Emit {
			checkAnswer(t, v, port, e)
		}
	})
}

// checkAnswer checks that an answer goes to who asked and could itself be sent by the network.
func checkAnswer(t *testing.T, v *view.View, asked topology.PortID, e Emit) {
	var p packet.Packet
	if err := packet.Parse(e.Frame, &p); err != nil {
		t.Errorf("the answer %x is wrong: %v", e.Frame, err)
	}
	if len(e.Outputs) != 1 || e.Outputs[0] != (flow.Output{Port: asked}) || p.SrcMAC.IsMulticast() {
		t.Errorf("the answer goes to %v from %s", e.Outputs, p.SrcMAC)
	}
	if at, ok := v.Location(asked); !ok || !at.Local {
		t.Errorf("the answer goes to %s, which is not here", asked)
	}
}
