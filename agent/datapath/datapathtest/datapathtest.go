// Package datapathtest is the suite that every datapath passes: each packet is described once, and a harness says how frames get
// in and out.
//
// The suite holds the far end of every interface, as a workload would, and plays the agent: it takes the misses, installs the
// flows and sends the packet-outs.
package datapathtest

import (
	"bytes"
	"context"
	"net/netip"
	"testing"
	"time"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/id"
	"midonet.org/midonet/topology"
)

// Options are the sizes that a test depends on; zero stands for the datapath's default.
type Options struct {
	MaxFlows  int
	MissRate  int // per second and port
	MissBurst int
	// StateBurst is how many state messages the datapath takes at once; there is next to none after these.
	StateBurst int
}

// Interface is what a workload holds: the far end of an interface of the host.
type Interface interface {
	Name() string // of the host's end
	// Send puts a frame on the interface.
	Send(t *testing.T, frame []byte)
	// Receive returns the next frame that comes out, nil after the wait. Checksums that were left to hardware are completed.
	Receive(t *testing.T, wait time.Duration) []byte
}

// Host is a datapath and the underlay addresses of the host that it is on.
type Host struct {
	Datapath   datapath.Datapath
	IPv4, IPv6 netip.Addr
	// NewInterface makes an interface that is not plugged in anywhere.
	NewInterface func(t *testing.T) Interface
}

// NewHarness makes two hosts with an underlay between them and removes them when the test ends.
type NewHarness func(t *testing.T, o Options) [2]*Host

// Run runs the suite.
func Run(t *testing.T, harness NewHarness) {
	for _, c := range []struct {
		name string
		test func(*testing.T, NewHarness)
	}{
		{"MissThenHit", testMissThenHit},
		{"Keys", testKeys},
		{"WideKeys", testWideKeys},
		{"Seeds", testSeeds},
		{"SeedsOfFixedPorts", testSeedsOfFixedPorts},
		{"SeedsComeLast", testSeedsComeLast},
		{"SeedsGo", testSeedsGo},
		{"SeedsHaveABound", testSeedsBound},
		{"SeedsGivePorts", testSeedsGivePorts},
		{"PortsAreGivenOnce", testPortsAreGivenOnce},
		{"BirthsAreBounded", testBirthsAreBounded},
		{"Opening", testOpening},
		{"OpeningWithoutAnswers", testOpeningWithoutAnswers},
		{"AwaitedAnswers", testAwaitedAnswers},
		{"OpeningOfAnything", testOpeningOfAnything},
		{"OpeningsAreBounded", testOpeningsAreBounded},
		{"Origins", testOrigins},
		{"OriginsNeedRoom", testOriginsNeedRoom},
		{"OriginsOfAnything", testOriginsOfAnything},
		{"ARPIsNeverCached", testARPIsNeverCached},
		{"MalformedIsAMiss", testMalformedIsAMiss},
		{"Rewrite", testRewrite},
		{"RewriteAnything", testRewriteAnything},
		{"RewriteToZeros", testRewriteToZeros},
		{"RewriteFragments", testRewriteFragments},
		{"RewriteWithoutChecksum", testRewriteWithoutChecksum},
		{"RewriteRefused", testRewriteRefused},
		{"Family", testFamily},
		{"FamilyOfAnything", testFamilyOfAnything},
		{"FamilyTunnel", testFamilyTunnel},
		{"FamilyRefused", testFamilyRefused},
		{"TTLExpires", testTTLExpires},
		{"MTU", testMTU},
		{"Outputs", testOutputs},
		{"ExecuteHasNoOutputLimit", testExecuteHasNoOutputLimit},
		{"ExecuteStepsOverWhatCannotBeSent", testExecuteStepsOver},
		{"Drop", testDrop},
		{"Tunnel", testTunnel},
		{"TunnelKeyUnknown", testTunnelKeyUnknown},
		{"LocalAndTunnel", testLocalAndTunnel},
		{"StateMessages", testStateMessages},
		{"StateMessagesHaveABoundOfTheirOwn", testStateBound},
		{"Ports", testPorts},
		{"RemovePorts", testRemovePorts},
		{"Install", testInstall},
		{"Remove", testRemove},
		{"ReceiveEndsWithContext", testReceiveEndsWithContext},
		{"MissRate", testMissRate},
		{"FairShare", testFairShare},
		{"Pressure", testPressure},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, harness) })
	}
}

const (
	patience = time.Minute           // for what must come: machines stand still now and then
	moment   = 60 * time.Millisecond // for what must not
)

// station is a workload at a plugged port.
type station struct {
	Interface
	t    *testing.T
	host *Host
	port datapath.Port
}

// plug makes a station on the host; its packets from other hosts come by the tunnel key.
func plug(t *testing.T, h *Host, tunnelKey uint32) *station {
	t.Helper()
	i := h.NewInterface(t)
	s := &station{
		Interface: i, t: t, host: h,
		port: datapath.Port{ID: id.New[topology.Port](), Interface: i.Name(), TunnelKey: tunnelKey},
	}
	if err := h.Datapath.SetPort(s.port); err != nil {
		t.Fatalf("SetPort: %v", err)
	}
	return s
}

func (s *station) send(frame []byte) { s.t.Helper(); s.Send(s.t, frame) }

func (s *station) expect(frame []byte) {
	s.t.Helper()
	got := s.Receive(s.t, patience)
	if got == nil {
		s.t.Fatalf("nothing arrived, want\n%x\ncounters %+v", frame, counters(s.t, s.host))
	}
	if !bytes.Equal(got, frame) {
		s.t.Fatalf("got\n%x, want\n%x", got, frame)
	}
}

func (s *station) expectNothing() {
	s.t.Helper()
	if got := s.Receive(s.t, moment); got != nil {
		s.t.Fatalf("got %x, want nothing", got)
	}
}

// local is the output to this station on its own host, remote the one from another host.
func (s *station) local() flow.Output { return flow.Output{Port: s.port.ID} }

func (s *station) remote(peer netip.Addr) flow.Output {
	return flow.Output{Port: s.port.ID, Peer: peer, TunnelKey: s.port.TunnelKey}
}

// flow returns the flow that frame from this station has.
func (s *station) flow(frame []byte, outputs ...flow.Output) flow.Flow {
	s.t.Helper()
	var p packet.Packet
	if err := packet.Parse(frame, &p); err != nil {
		s.t.Fatalf("Parse(%x): %v", frame, err)
	}
	return flow.Flow{Key: flow.KeyOf(&p, s.port.ID), Actions: flow.Actions{Outputs: outputs}, Idle: time.Minute}
}

func (s *station) install(f flow.Flow) {
	s.t.Helper()
	if err := s.host.Datapath.Install([]flow.Flow{f}); err != nil {
		s.t.Fatalf("Install: %v", err)
	}
}

// expectMiss takes the next miss and checks that it is the frame from this station.
func (s *station) expectMiss(frame []byte) datapath.Miss {
	s.t.Helper()
	m := receive(s.t, s.host)
	if m.InPort != s.port.ID || m.State || !bytes.Equal(m.Frame, frame) {
		s.t.Fatalf("miss from %s\n%x, want from %s\n%x", m.InPort, m.Frame, s.port.ID, frame)
	}
	return m
}

func receive(t *testing.T, h *Host) datapath.Miss {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	buf := make([]datapath.Miss, 1)
	if _, err := h.Datapath.Receive(ctx, buf); err != nil {
		t.Fatalf("no miss: %v, counters %+v", err, counters(t, h))
	}
	return buf[0]
}

func execute(t *testing.T, h *Host, p datapath.Packet) {
	t.Helper()
	if err := h.Datapath.Execute([]datapath.Packet{p}); err != nil {
		t.Fatalf("Execute: %v", err)
	}
}

func counters(t *testing.T, h *Host) datapath.Counters {
	t.Helper()
	c, err := h.Datapath.Counters()
	if err != nil {
		t.Fatalf("Counters: %v", err)
	}
	return c
}

// expectCounters waits until the counters have grown by grown since before.
func expectCounters(t *testing.T, h *Host, before, grown datapath.Counters) {
	t.Helper()
	want := datapath.Counters{
		Hits: before.Hits + grown.Hits, Misses: before.Misses + grown.Misses, MissesLost: before.MissesLost + grown.MissesLost,
		TunnelUnknown: before.TunnelUnknown + grown.TunnelUnknown, Errors: before.Errors + grown.Errors,
		Born: before.Born + grown.Born, States: before.States + grown.States, StatesLost: before.StatesLost + grown.StatesLost,
	}
	deadline := time.Now().Add(patience)
	for counters(t, h) != want {
		if time.Now().After(deadline) {
			t.Fatalf("counters %+v, want %+v", counters(t, h), want)
		}
		time.Sleep(time.Millisecond)
	}
}

func entries(t *testing.T, h *Host) []datapath.Entry {
	t.Helper()
	var all []datapath.Entry
	if err := h.Datapath.Entries(func(e datapath.Entry) bool { all = append(all, e); return true }); err != nil {
		t.Fatalf("Entries: %v", err)
	}
	return all
}

// expectKeys checks that exactly these flows are installed.
func expectKeys(t *testing.T, h *Host, want ...flow.Key) {
	t.Helper()
	have := map[flow.Key]bool{}
	for _, e := range entries(t, h) {
		have[e.Key] = true
	}
	for _, k := range want {
		if !have[k] {
			t.Errorf("flow %v is not there", k)
		}
		delete(have, k)
	}
	for k := range have {
		t.Errorf("flow %v is there", k)
	}
}

// let returns how many of a flood a bound of burst at once, and one a second more, may have let through since the flood began: one more than burst
// at once, another where two processors count, and those of the time that the flood took.
func let(burst uint64, begun time.Time) uint64 {
	return burst + 2 + uint64(time.Since(begun)/time.Second)
}

func one(t *testing.T, newHarness NewHarness) *Host { return newHarness(t, Options{})[0] }
