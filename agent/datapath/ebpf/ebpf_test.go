package ebpf

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	cilium "github.com/cilium/ebpf"
	"github.com/vishvananda/netlink"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/id"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

func deleteLink(name string) error {
	l, err := netlink.LinkByName(name)
	if err != nil {
		return err
	}
	return netlink.LinkDel(l)
}

func TestCheck(t *testing.T) {
	err := Check()
	if os.Geteuid() != 0 {
		if !errs.Is(err, errs.Unavailable) || !strings.Contains(err.Error(), "root") {
			t.Errorf("without root: %v, want an errs.Unavailable that says so", err)
		}
		return
	}
	if err != nil {
		t.Errorf("as root: %v", err)
	}
}

// TestCheckWithoutPrivileges calls TestCheck as a person without any, and Check as a root that has power over nothing.
func TestCheckWithoutPrivileges(t *testing.T) {
	needRoot(t)
	nobody := exec.Command("/proc/self/exe", "-test.run=^TestCheck$")
	nobody.Dir = "/"
	nobody.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	if out, err := nobody.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	powerless := exec.Command("/proc/self/exe")
	powerless.Env = append(os.Environ(), checkVariable+"=1")
	mapping := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1}}
	powerless.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: mapping, GidMappings: mapping}
	out, err := powerless.CombinedOutput()
	if err == nil || !bytes.Contains(out, []byte("accepts the flow cache's programs")) || !bytes.Contains(out, []byte("TCX")) {
		t.Errorf("%v: %s, want the things named that need power", err, out)
	}
}

// TestObjectIsOfThisSource compiles the programs again and compares with what is committed.
func TestObjectIsOfThisSource(t *testing.T) {
	version, err := exec.Command("clang", "--version").Output()
	if err != nil {
		t.Skip("needs clang")
	}
	if !bytes.Contains(version, []byte("clang version 14.")) {
		t.Skipf("the object was made by clang 14, and other versions give other code; this is %s", bytes.SplitN(version, []byte("\n"), 2)[0])
	}
	dir := t.TempDir()
	for _, pattern := range []string{"*.go", "bpf/*"} {
		files, err := filepath.Glob(pattern)
		check(t, err)
		for _, f := range files {
			copyFile(t, f, filepath.Join(dir, f))
		}
	}
	source, err := os.ReadFile("generate.go")
	check(t, err)
	command := exec.Command("sh", "-c", goGenerate(t, string(source), dir))
	command.Env = append(os.Environ(), "GOPACKAGE=ebpf")
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, name := range []string{"bpf_bpfel.o", "bpf_bpfel.go"} {
		made, err := os.ReadFile(filepath.Join(dir, "out", name))
		check(t, err)
		committed, err := os.ReadFile(name)
		check(t, err)
		if !bytes.Equal(made, committed) {
			t.Errorf("%s is not what go generate makes of this source", name)
		}
	}
}

// goGenerate returns generate.go's command, writing to dir/out.
func goGenerate(t *testing.T, source, dir string) string {
	t.Helper()
	_, command, found := strings.Cut(source, "//go:generate ")
	if !found {
		t.Fatal("generate.go has no go:generate line")
	}
	out := filepath.Join(dir, "out")
	check(t, os.Mkdir(out, 0o755))
	return strings.Replace(strings.TrimSpace(command), "bpf2go ", "bpf2go -output-dir "+out+" ", 1)
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	check(t, err)
	check(t, os.MkdirAll(filepath.Dir(to), 0o755))
	check(t, os.WriteFile(to, b, 0o644))
}

// TestPortOnTheHost delivers to a veth whose other end is in the host's own namespace, where the kernel forbids the short way.
func TestPortOnTheHost(t *testing.T) {
	l := newLocal(t, Config{MaxFlows: 1024})
	var far *wire
	l.do(t, func() {
		veth := netlink.NewVeth(netlink.LinkAttrs{Name: "near"})
		veth.PeerName = "far"
		check(t, netlink.LinkAdd(veth))
		_, err := upByName("near")
		check(t, err)
		index, err := upByName("far")
		check(t, err)
		far = &wire{name: "near", fd: packetSocket(t, index)}
	})
	port := l.portB
	port.Interface = "near"
	check(t, l.SetPort(port))
	frame := udpHeader(1, 1).Frame(nil)
	check(t, l.Install([]flow.Flow{flowOf(t, frame, l.portA.ID, flow.Output{Port: port.ID})}))
	l.a.Send(t, frame)
	expectFrame(t, far, frame)
}

// TestHostStackSeesNothing plugs a port whose packets the host would answer if they reached it.
func TestHostStackSeesNothing(t *testing.T) {
	l := newLocal(t, Config{MaxFlows: 1024})
	before := l.received(t)
	toHost := udpHeader(1, 1)
	l.do(t, func() {
		near, err := netlink.LinkByName(l.a.name)
		check(t, err)
		toHost.DstMAC = mac.Addr(near.Attrs().HardwareAddr)
	})
	l.a.Send(t, toHost.Frame(nil))
	nextMiss(t, l)
	check(t, l.Install([]flow.Flow{flowOf(t, toHost.Frame(nil), l.portA.ID, flow.Output{Port: l.portB.ID})}))
	l.a.Send(t, toHost.Frame(nil))
	expectFrame(t, l.b, toHost.Frame(nil))
	if after := l.received(t); after != before {
		t.Errorf("the host's stack received %d packets", after-before)
	}
}

// received returns how many IPv4 packets the host's own stack has received (IpInReceives).
func (h *host) received(t *testing.T) (n uint64) {
	t.Helper()
	h.do(t, func() {
		text, err := os.ReadFile("/proc/thread-self/net/snmp")
		check(t, err)
		_, values, found := strings.Cut(strings.TrimPrefix(string(text), "Ip:"), "Ip:")
		if !found {
			t.Fatalf("snmp: %s", text)
		}
		n, err = strconv.ParseUint(strings.Fields(values)[2], 10, 64)
		check(t, err)
	})
	return n
}

// TestReservedInterfaces tries to plug in what the host and the datapath live by.
func TestReservedInterfaces(t *testing.T) {
	needRoot(t)
	d := newHost(t, Config{}).open(t)
	for _, name := range []string{"lo", "mn-vxlan", "mn-inject"} {
		if err := d.SetPort(datapath.Port{ID: id.New[topology.Port](), Interface: name}); !errs.Is(err, errs.Conflict) {
			t.Errorf("SetPort(%s): %v, want a conflict", name, err)
		}
	}
}

// TestHostStackSaysNothing shows that this host's kernel speaks IPv6 on an interface that comes up, and does not once it is a
// port's.
func TestHostStackSaysNothing(t *testing.T) {
	needRoot(t)
	h := newHost(t, Config{})
	d := h.open(t)
	w := h.newWire(t)
	h.do(t, func() { giveVoice(t, w.name) })
	if w.Receive(t, patience) == nil {
		t.Fatal("the kernel is silent before the port is plugged in: this test would show nothing")
	}
	check(t, d.SetPort(datapath.Port{ID: id.New[topology.Port](), Interface: w.name}))
	for w.Receive(t, 100*time.Millisecond) != nil { // what it said before
	}
	h.do(t, func() {
		l, err := netlink.LinkByName(w.name)
		check(t, err)
		check(t, netlink.LinkSetDown(l))
		check(t, netlink.LinkSetUp(l))
	})
	if said := w.Receive(t, time.Second); said != nil {
		t.Errorf("the kernel sent %x", said)
	}
}

// giveVoice undoes silence, and makes the kernel look for routers as soon as the interface is up.
func giveVoice(t *testing.T, name string) {
	t.Helper()
	l, err := netlink.LinkByName(name)
	check(t, err)
	check(t, netlink.LinkSetDown(l))
	check(t, netlink.LinkSetIP6AddrGenMode(l, 0))
	for setting, value := range map[string]string{"disable_ipv6": "0", "router_solicitation_delay": "0"} {
		check(t, os.WriteFile("/proc/sys/net/ipv6/conf/"+name+"/"+setting, []byte(value), 0))
	}
	check(t, netlink.LinkSetUp(l))
}

// TestProgram runs from_port on a frame without any interface, so that its verdict and cost can be seen.
func TestProgram(t *testing.T) {
	l := newLocal(t, Config{MaxFlows: 1024})
	frame := udpHeader(1, 1).Frame(make([]byte, 18))
	check(t, l.Install([]flow.Flow{flowOf(t, frame, l.portA.ID, flow.Output{Port: l.portB.ID})}))
	const shot, redirect = 2, 7 // TC_ACT_SHOT, TC_ACT_REDIRECT
	for _, c := range []struct {
		frame   []byte
		verdict uint32
	}{{frame, redirect}, {udpHeader(1, 2).Frame(make([]byte, 18)), shot}} {
		if verdict := l.run(t, c.frame); verdict != c.verdict {
			t.Errorf("verdict %d, want %d", verdict, c.verdict)
		}
	}
	if n, err := l.Counters(); err != nil || n != (datapath.Counters{Hits: 1, Misses: 1}) {
		t.Errorf("counters %+v, %v, want a hit and a miss", n, err)
	}
}

// skBuff is struct __sk_buff of linux/bpf.h, as far as a test run sets it.
type skBuff struct {
	_       [9]uint32
	Ingress uint32
	Ifindex uint32
	_       [33]uint32
}

func (l *local) run(t *testing.T, frame []byte) (verdict uint32) {
	t.Helper()
	l.do(t, func() {
		link, err := netlink.LinkByName(l.a.name)
		check(t, err)
		verdict, err = l.current.objects.FromPort.Run(&cilium.RunOptions{
			Data: frame, Context: &skBuff{Ifindex: uint32(link.Attrs().Index)},
		})
		check(t, err)
	})
	return verdict
}
