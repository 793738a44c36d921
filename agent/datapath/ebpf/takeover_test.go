package ebpf

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/id"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// agentVariable makes the test binary play an agent that does what its value says.
const agentVariable = "MIDONET_TEST_AGENT"

// orders are what an agent in a process of its own does before it waits to be killed.
type orders struct {
	Config Config
	Ports  []datapath.Port
	Flows  []flow.Flow
	Source []netip.Addr
}

// checkVariable makes the test binary call Check.
const checkVariable = "MIDONET_TEST_CHECK"

func TestMain(m *testing.M) {
	if _, ok := os.LookupEnv(checkVariable); ok {
		if err := Check(); err != nil {
			slog.Error("check", "error", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if text, ok := os.LookupEnv(agentVariable); ok {
		if err := playAgent(text); err != nil {
			slog.Error("agent", "error", err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

func playAgent(text string) error {
	var o orders
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return err
	}
	d, err := Open(o.Config)
	if err != nil {
		return err
	}
	for _, p := range o.Ports {
		if err := d.SetPort(p); err != nil {
			return err
		}
	}
	if err := d.SetSource(o.Source); err != nil {
		return err
	}
	if err := d.Install(o.Flows); err != nil {
		return err
	}
	if _, err := os.Stdout.WriteString("ready\n"); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// startAgent runs the orders in a process in the host's namespace.
func (h *host) startAgent(t *testing.T, o orders) *exec.Cmd {
	t.Helper()
	text, err := json.Marshal(o)
	check(t, err)
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), agentVariable+"="+string(text))
	c.Stderr = os.Stderr
	in, err := c.StdinPipe() // ends with this process, and the agent with it
	check(t, err)
	t.Cleanup(func() { in.Close() })
	out, err := c.StdoutPipe()
	check(t, err)
	h.do(t, func() { check(t, c.Start()) })
	t.Cleanup(func() { c.Process.Kill(); c.Wait() })
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatalf("the agent said %q, %v", line, err)
	}
	return c
}

func udpHeader(srcPort, dstPort uint16) packet.Header {
	return packet.Header{
		SrcMAC: mac.MustParse("fa:16:3e:00:00:01"), DstMAC: mac.MustParse("fa:16:3e:00:00:02"), EtherType: packet.EtherTypeIPv4,
		SrcIP: netip.MustParseAddr("10.0.0.1"), DstIP: netip.MustParseAddr("10.0.0.2"),
		Proto: packet.ProtoUDP, SrcPort: srcPort, DstPort: dstPort, TTL: 64,
	}
}

func flowOf(t *testing.T, frame []byte, in topology.PortID, outputs ...flow.Output) flow.Flow {
	t.Helper()
	var p packet.Packet
	check(t, packet.Parse(frame, &p))
	return flow.Flow{Key: flow.KeyOf(&p, in), Actions: flow.Actions{Outputs: outputs}}
}

func expectFrame(t *testing.T, w *wire, frame []byte) {
	t.Helper()
	if got := w.Receive(t, patience); !bytes.Equal(got, frame) {
		t.Fatalf("got\n%x, want\n%x", got, frame)
	}
}

// TestAgentKilled kills an agent with SIGKILL: what it installed goes on forwarding, here and between hosts, and the next agent
// finds ports, flows, counters and source addresses.
func TestAgentKilled(t *testing.T) {
	needRoot(t)
	hosts := newHosts(t, Config{MaxFlows: 1024})
	a, b, c := hosts[0].newWire(t), hosts[0].newWire(t), hosts[1].newWire(t)
	portA := datapath.Port{ID: id.New[topology.Port](), Interface: a.name, TunnelKey: 1}
	portB := datapath.Port{ID: id.New[topology.Port](), Interface: b.name, TunnelKey: 2}
	portC := datapath.Port{ID: id.New[topology.Port](), Interface: c.name, TunnelKey: 3}
	here, there := udpHeader(1, 1).Frame(nil), udpHeader(1, 2).Frame(nil)
	flows := []flow.Flow{
		flowOf(t, here, portA.ID, flow.Output{Port: portB.ID}),
		flowOf(t, there, portA.ID, flow.Output{Port: portC.ID, Peer: underlayIPv4(1), TunnelKey: 3}),
	}
	agents := []*exec.Cmd{
		hosts[0].startAgent(t, orders{
			Config: hosts[0].config, Ports: []datapath.Port{portA, portB}, Flows: flows, Source: []netip.Addr{underlayIPv4(0)},
		}),
		hosts[1].startAgent(t, orders{Config: hosts[1].config, Ports: []datapath.Port{portC}}),
	}
	hosts[0].do(t, func() {
		if _, err := Open(hosts[0].config); !errs.Is(err, errs.Conflict) {
			t.Errorf("second agent: %v, want a conflict", err)
		}
	})
	for _, agent := range agents {
		check(t, agent.Process.Kill())
		agent.Wait()
	}
	for range 3 {
		a.Send(t, here)
		expectFrame(t, b, here)
		a.Send(t, there)
		expectFrame(t, c, there)
	}
	a.Send(t, udpHeader(9, 9).Frame(nil)) // a miss of the time without an agent: the next one is not to see it

	d := hosts[0].open(t)
	expectTakenOver(t, d, []datapath.Port{portA, portB}, flows)
	var settings bpfConfig
	check(t, hosts[0].current.objects.Settings.Lookup(uint32(0), &settings))
	if settings.SourceIpv4 != 192<<24|2<<8|1 {
		t.Errorf("source %x, want 192.0.2.1", settings.SourceIpv4)
	}
	fresh := udpHeader(7, 7).Frame(nil)
	a.Send(t, fresh)
	if m := nextMiss(t, d); m.InPort != portA.ID || !bytes.Equal(m.Frame, fresh) {
		t.Errorf("miss %x from %s, want %x from %s", m.Frame, m.InPort, fresh, portA.ID)
	}
}

// expectTakenOver checks what the second agent finds: the ports, and the flows with three packets each.
func expectTakenOver(t *testing.T, d datapath.Datapath, ports []datapath.Port, flows []flow.Flow) {
	t.Helper()
	found, err := d.Ports()
	check(t, err)
	for _, p := range ports {
		if !slices.Contains(found, p) || len(found) != len(ports) {
			t.Errorf("ports %v, want %v", found, ports)
		}
	}
	have := map[flow.Key]uint64{}
	check(t, d.Entries(func(e datapath.Entry) bool { have[e.Key] = e.Stats.Packets; return true }))
	for _, f := range flows {
		if have[f.Key] != 3 || len(have) != len(flows) {
			t.Errorf("flows and their packets %v, want 3 of %v", have, f.Key)
		}
	}
	if n, err := d.Counters(); err != nil || n.Hits != uint64(3*len(flows)) {
		t.Errorf("counters %+v, %v, want %d hits", n, err, 3*len(flows))
	}
}

func nextMiss(t *testing.T, d datapath.Datapath) datapath.Miss {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	buf := make([]datapath.Miss, 1)
	if _, err := d.Receive(ctx, buf); err != nil {
		t.Fatalf("no miss: %v", err)
	}
	return buf[0]
}

// local is a host with two plugged ports and a datapath.
type local struct {
	*host
	datapath.Datapath
	a, b         *wire
	portA, portB datapath.Port
}

func newLocal(t *testing.T, c Config) *local {
	t.Helper()
	needRoot(t)
	l := &local{host: newHost(t, c)}
	l.Datapath = l.host.open(t)
	l.a, l.b = l.newWire(t), l.newWire(t)
	l.portA = datapath.Port{ID: id.New[topology.Port](), Interface: l.a.name}
	l.portB = datapath.Port{ID: id.New[topology.Port](), Interface: l.b.name}
	check(t, l.SetPort(l.portA))
	check(t, l.SetPort(l.portB))
	return l
}

func (l *local) reopen(t *testing.T) {
	t.Helper()
	l.Close()
	l.Datapath = l.host.open(t)
}

// TestWideFlowsAreTakenOver changes agents where there is a flow of any source port: the programs go on looking for such, and for no others, but
// where the agent before has not said which there are.
func TestWideFlowsAreTakenOver(t *testing.T) {
	l := newLocal(t, Config{MaxFlows: 1024})
	frame := udpHeader(1, 1).Frame(nil)
	wide := flowOf(t, frame, l.portA.ID, flow.Output{Port: l.portB.ID})
	wide.Key = wide.Key.Wide(flow.SrcPort)
	check(t, l.Install([]flow.Flow{wide}))
	for _, c := range []struct{ said, want uint32 }{
		{wideKnown | 1<<flow.SrcPort, wideKnown | 1<<flow.SrcPort},
		{0, wideKnown | allWide},
	} {
		check(t, l.current.set(func(s *bpfConfig) { s.Wide = c.said }))
		l.reopen(t)
		l.a.Send(t, frame)
		expectFrame(t, l.b, frame)
		if l.current.wide != c.want {
			t.Errorf("the programs look for %b, want %b", l.current.wide, c.want)
		}
	}
}

// TestTakeoverLosesNothing changes agents several times under traffic, which the receiving socket's buffer holds.
func TestTakeoverLosesNothing(t *testing.T) {
	l := newLocal(t, Config{MaxFlows: 1024})
	frame := udpHeader(1, 1).Frame(make([]byte, 30))
	check(t, l.Install([]flow.Flow{flowOf(t, frame, l.portA.ID, flow.Output{Port: l.portB.ID})}))
	check(t, unix.SetsockoptInt(l.b.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 1<<30))
	stop, sent := make(chan struct{}), make(chan int)
	go func() { sent <- l.a.sendUntil(stop, frame) }()
	for range 5 {
		l.reopen(t)
	}
	close(stop)
	n := <-sent
	for i := range n {
		if l.b.Receive(t, patience) == nil {
			t.Fatalf("%d of %d packets arrived", i, n)
		}
	}
	if n < 10 {
		t.Errorf("only %d packets were sent meanwhile", n)
	}
}

// sendUntil returns how many frames the kernel took.
func (w *wire) sendUntil(stop <-chan struct{}, frame []byte) (n int) {
	packet := append(make([]byte, vnetHeaderLen), frame...)
	for {
		select {
		case <-stop:
			return n
		case <-time.After(50 * time.Microsecond):
			if _, err := unix.Write(w.fd, packet); err == nil {
				n++
			}
		}
	}
}

// TestIncompatibleMaps starts over with what cannot be read, and keeps the rest.
func TestIncompatibleMaps(t *testing.T) {
	var log bytes.Buffer
	l := newLocal(t, Config{MaxFlows: 1024, Log: slog.New(slog.NewTextHandler(&log, nil))})
	frame := udpHeader(1, 1).Frame(nil)
	install := func() {
		check(t, l.Install([]flow.Flow{flowOf(t, frame, l.portA.ID, flow.Output{Port: l.portB.ID})}))
		l.a.Send(t, frame)
		expectFrame(t, l.b, frame)
	}
	count := func() (flows, ports int) {
		check(t, l.Entries(func(datapath.Entry) bool { flows++; return true }))
		all, err := l.Ports()
		check(t, err)
		return flows, len(all)
	}
	install()
	l.reopen(t)
	if flows, ports := count(); flows != 1 || ports != 2 || log.Len() != 0 {
		t.Errorf("same version: %d flows, %d ports, want 1 and 2; log %s", flows, ports, &log)
	}

	l.config.MaxFlows = 2048
	l.reopen(t)
	if flows, ports := count(); flows != 0 || ports != 2 || !strings.Contains(log.String(), "map=flows") {
		t.Errorf("another size: %d flows, %d ports, want 0 and 2, and a line for the map; log %s", flows, ports, &log)
	}
	install()

	var s bpfConfig
	settings := l.current.objects.Settings
	check(t, settings.Lookup(uint32(0), &s))
	s.Layout++
	check(t, settings.Put(uint32(0), &s))
	log.Reset()
	l.reopen(t)
	if flows, ports := count(); flows != 0 || ports != 0 || strings.Count(log.String(), "level=WARN") != 5 {
		t.Errorf("another layout: %d flows, %d ports, want none, and a line for each of 5 maps; log %s", flows, ports, &log)
	}
	check(t, l.SetPort(l.portA))
	check(t, l.SetPort(l.portB))
	install()
}

// TestInterfaceGone deletes a plugged interface while no agent runs.
func TestInterfaceGone(t *testing.T) {
	l := newLocal(t, Config{MaxFlows: 1024})
	frame := udpHeader(1, 1).Frame(nil)
	check(t, l.Install([]flow.Flow{flowOf(t, frame, l.portA.ID, flow.Output{Port: l.portB.ID})}))
	l.Close()
	l.do(t, func() { check(t, deleteLink(l.b.name)) })
	l.Datapath = l.host.open(t)
	if ports, err := l.Ports(); err != nil || !slices.Equal(ports, []datapath.Port{l.portA}) {
		t.Errorf("ports %v, %v, want %v", ports, err, l.portA)
	}
	check(t, l.Entries(func(e datapath.Entry) bool { t.Errorf("flow %v is there", e.Key); return true }))
	check(t, l.RemovePorts(l.portB.ID))
}

// TestTheOtherEndMovedWhileNoAgentRan brings the other end of a plugged interface to the host's own namespace, where the way of the flows that are
// there leads nowhere.
func TestTheOtherEndMovedWhileNoAgentRan(t *testing.T) {
	l := newLocal(t, Config{MaxFlows: 1024})
	frame := udpHeader(1, 1).Frame(nil)
	install := func() {
		t.Helper()
		check(t, l.Install([]flow.Flow{flowOf(t, frame, l.portA.ID, flow.Output{Port: l.portB.ID})}))
	}
	install()
	l.Close()
	moved := l.bringHome(t, l.b, "moved")
	l.Datapath = l.host.open(t)
	check(t, l.Entries(func(e datapath.Entry) bool { t.Errorf("flow %v is there", e.Key); return true }))
	install()
	l.a.Send(t, frame)
	expectFrame(t, moved, frame)
	l.reopen(t)
	l.a.Send(t, frame)
	expectFrame(t, moved, frame) // by the flow: nobody has installed another
}

// bringHome moves the far end of a wire to the host's namespace, where it gets the name.
func (h *host) bringHome(t *testing.T, w *wire, name string) *wire {
	t.Helper()
	h.workloads.do(t, func() {
		check(t, netlink.LinkSetDown(w.far))
		check(t, netlink.LinkSetName(w.far, name))
		check(t, netlink.LinkSetNsFd(w.far, int(h.handle)))
	})
	moved := &wire{name: w.name}
	h.do(t, func() {
		_, err := upByName(name)
		check(t, err)
		moved.far, err = netlink.LinkByName(name)
		check(t, err)
		moved.fd = packetSocket(t, moved.far.Attrs().Index)
	})
	t.Cleanup(func() { unix.Close(moved.fd) })
	return moved
}

// TestInterfaceMadeAnew deletes a plugged interface under a running agent, which plugs in the next one of the same name.
func TestInterfaceMadeAnew(t *testing.T) {
	l := newLocal(t, Config{MaxFlows: 1024})
	frame := udpHeader(1, 1).Frame(nil)
	check(t, l.Install([]flow.Flow{flowOf(t, frame, l.portA.ID, flow.Output{Port: l.portB.ID})}))
	l.do(t, func() { check(t, deleteLink(l.b.name)) })
	l.names.Store(1) // the name of the second wire once more
	again := l.newWire(t)
	check(t, l.SetPort(l.portB))
	check(t, l.Entries(func(e datapath.Entry) bool { t.Errorf("flow %v is there", e.Key); return true }))
	check(t, l.Install([]flow.Flow{flowOf(t, frame, l.portA.ID, flow.Output{Port: l.portB.ID})}))
	l.a.Send(t, frame)
	expectFrame(t, again, frame)
	l.do(t, func() { check(t, deleteLink(l.b.name)) })
	check(t, l.RemovePorts(l.portB.ID))
}

// TestTunnelPortChanges reopens both ends with another UDP port.
func TestTunnelPortChanges(t *testing.T) {
	needRoot(t)
	hosts := newHosts(t, Config{MaxFlows: 1024})
	d, e := hosts[0].open(t), hosts[1].open(t)
	b := hosts[1].newWire(t)
	portB := datapath.Port{ID: id.New[topology.Port](), Interface: b.name, TunnelKey: 3}
	check(t, e.SetPort(portB))
	frame := udpHeader(1, 1).Frame(nil)
	out := flow.Actions{Outputs: []flow.Output{{Port: portB.ID, Peer: underlayIPv4(1), TunnelKey: 3}}}
	for _, port := range []int{0, 4789, 4789} {
		d.Close()
		e.Close()
		hosts[0].config.TunnelPort, hosts[1].config.TunnelPort = port, port
		d, e = hosts[0].open(t), hosts[1].open(t)
		check(t, d.Execute([]datapath.Packet{{Frame: frame, Actions: out}}))
		expectFrame(t, b, frame)
	}
}
