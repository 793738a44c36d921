package hostif

import (
	"context"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// patience is how long a test waits for what must come.
const patience = time.Minute

// inNamespace moves the test into a network namespace of its own, which goes when the test does, and opens it.
func inNamespace(t *testing.T) *Host {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("creating a network namespace needs root")
	}
	runtime.LockOSThread() // never unlocked: the thread ends with the test, and the namespace with the thread
	ns, err := netns.New()
	if err != nil {
		t.Fatalf("create a network namespace: %v", err)
	}
	t.Cleanup(func() { ns.Close() })
	h, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

// addVeth creates two ends of a cable, both administratively down.
func addVeth(t *testing.T, name, peer string) (netlink.Link, netlink.Link) {
	t.Helper()
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.MTU = name, 1400
	if err := netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: peer, PeerMTU: 1400}); err != nil {
		t.Fatalf("create veth %s: %v", name, err)
	}
	return link(t, name), link(t, peer)
}

func link(t *testing.T, name string) netlink.Link {
	t.Helper()
	l, err := netlink.LinkByName(name)
	if err != nil {
		t.Fatalf("find %s: %v", name, err)
	}
	return l
}

func addAddr(t *testing.T, l netlink.Link, prefix string) {
	t.Helper()
	p := netip.MustParsePrefix(prefix)
	addr := &netlink.Addr{IPNet: &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}}
	if p.Addr().Is6() {
		addr.Flags = unix.IFA_F_NODAD
	}
	if err := netlink.AddrAdd(l, addr); err != nil {
		t.Fatalf("add %s: %v", prefix, err)
	}
}

// await reads the interfaces after each token until the named one is as wanted.
func await(t *testing.T, h *Host, changes <-chan struct{}, name string, wanted func(*Interface) bool) {
	t.Helper()
	deadline := time.After(patience)
	for {
		if i := find(t, h, name); wanted(i) {
			return
		}
		select {
		case <-changes:
		case <-deadline:
			t.Fatalf("%s did not become as wanted; it is %+v", name, find(t, h, name))
		}
	}
}

func find(t *testing.T, h *Host, name string) *Interface {
	t.Helper()
	all, err := h.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range all {
		if i.Name == name {
			return &i
		}
	}
	return nil
}

func up(i *Interface) bool   { return i != nil && i.Up }
func down(i *Interface) bool { return i != nil && !i.Up }
func gone(i *Interface) bool { return i == nil }

func TestWatchFollowsALinkThroughItsLife(t *testing.T) {
	h := inNamespace(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	changes := h.Watch(ctx)

	a, b := addVeth(t, "tap0", "peer0")
	await(t, h, changes, "tap0", down)
	must(t, netlink.LinkSetUp(a))
	await(t, h, changes, "tap0", down) // its other end is down, so there is no carrier
	must(t, netlink.LinkSetUp(b))
	await(t, h, changes, "tap0", up)
	must(t, netlink.LinkSetDown(b))
	await(t, h, changes, "tap0", down)
	must(t, netlink.LinkSetUp(b))
	await(t, h, changes, "tap0", up)

	first := find(t, h, "tap0")
	if first.MTU != 1400 || first.MAC.IsZero() {
		t.Errorf("tap0 is %+v, want its MTU and MAC", first)
	}
	must(t, netlink.LinkDel(a))
	addVeth(t, "tap0", "peer0")
	await(t, h, changes, "tap0", func(i *Interface) bool { return i != nil && i.Index != first.Index })
	must(t, netlink.LinkDel(link(t, "tap0")))
	await(t, h, changes, "tap0", gone)
}

// TestWatchReportsThatTheOtherEndMoved shows what happens when a workload's end of a cable is put into its namespace.
func TestWatchReportsThatTheOtherEndMoved(t *testing.T) {
	h := inNamespace(t)
	changes := h.Watch(t.Context())
	a, b := addVeth(t, "tap0", "peer0")
	must(t, netlink.LinkSetUp(a))
	await(t, h, changes, "tap0", func(i *Interface) bool { return i != nil && i.PeerNamespace == -1 })
	must(t, netlink.LinkSetNsFd(b, int(anotherNamespace(t))))
	await(t, h, changes, "tap0", func(i *Interface) bool { return i != nil && i.PeerNamespace >= 0 })
}

// anotherNamespace returns a namespace that the test is not in.
func anotherNamespace(t *testing.T) netns.NsHandle {
	t.Helper()
	here, err := netns.Get()
	must(t, err)
	defer here.Close()
	other, err := netns.New() // moves the thread there
	must(t, err)
	t.Cleanup(func() { other.Close() })
	must(t, netns.Set(here))
	return other
}

func TestWatchReportsAddresses(t *testing.T) {
	h := inNamespace(t)
	changes := h.Watch(t.Context())
	a, _ := addVeth(t, "u0", "u1")
	addAddr(t, a, "192.0.2.1/24")
	addAddr(t, a, "2001:db8::1/64")
	want := []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")}
	await(t, h, changes, "u0", func(i *Interface) bool { return i != nil && cmp.Diff(i.Addrs, want, compareAddrs) == "" })
}

var compareAddrs = cmp.Comparer(func(a, b netip.Addr) bool { return a == b })

// TestWatchSurvivesOverflow makes the kernel drop notifications: the buffer is made as small as it gets and nobody reads it while
// many changes happen. The watch must say that something changed and must go on reporting afterwards.
func TestWatchSurvivesOverflow(t *testing.T) {
	h := inNamespace(t)
	must(t, h.events.SetReceiveBufferSize(1, false))
	a, b := addVeth(t, "tap0", "peer0")
	for range 50 {
		must(t, netlink.LinkSetUp(a))
		must(t, netlink.LinkSetDown(a))
	}
	if dropped(t) == 0 {
		t.Fatal("the kernel dropped no notification, so that this test shows nothing")
	}
	changes := h.Watch(t.Context())
	must(t, netlink.LinkSetUp(a))
	must(t, netlink.LinkSetUp(b))
	await(t, h, changes, "tap0", up)
	must(t, netlink.LinkDel(a))
	await(t, h, changes, "tap0", gone)
}

// dropped returns how many notifications the kernel could not deliver to the netlink sockets of this namespace.
func dropped(t *testing.T) int {
	t.Helper()
	table, err := os.ReadFile("/proc/thread-self/net/netlink")
	must(t, err)
	total := 0
	for _, line := range strings.Split(string(table), "\n")[1:] {
		if fields := strings.Fields(line); len(fields) >= 9 { // sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode
			n, err := strconv.Atoi(fields[8])
			must(t, err)
			total += n
		}
	}
	return total
}

func TestWatchEndsWithItsContext(t *testing.T) {
	h := inNamespace(t)
	ctx, cancel := context.WithCancel(context.Background())
	changes := h.Watch(ctx)
	cancel()
	deadline := time.After(patience)
	for {
		select {
		case _, open := <-changes:
			if !open {
				return
			}
		case <-deadline:
			t.Fatal("the channel stayed open")
		}
	}
}

func TestDefaultInterfaces(t *testing.T) {
	h := inNamespace(t)
	a, b := addVeth(t, "u0", "u1")
	must(t, netlink.LinkSetUp(a))
	must(t, netlink.LinkSetUp(b))
	addAddr(t, a, "192.0.2.1/24")
	addAddr(t, b, "198.51.100.1/24")
	addDefault(t, b, "198.51.100.254", 200)
	addDefault(t, a, "192.0.2.254", 100)

	interfaces, err := h.Interfaces()
	must(t, err)
	defaults, err := h.DefaultInterfaces(interfaces)
	must(t, err)
	if diff := cmp.Diff([]string{"u0", "u1"}, defaults); diff != "" {
		t.Errorf("the lower metric comes first (-want +got):\n%s", diff)
	}
	u, err := Endpoints(interfaces, nil, defaults)
	must(t, err)
	if diff := cmp.Diff(Underlay{Endpoints: []netip.Addr{netip.MustParseAddr("192.0.2.1")}, MTU: 1400}, u, compareAddrs); diff != "" {
		t.Errorf("underlay (-want +got):\n%s", diff)
	}
}

func addDefault(t *testing.T, l netlink.Link, gateway string, metric int) {
	t.Helper()
	must(t, netlink.RouteAdd(&netlink.Route{LinkIndex: l.Attrs().Index, Gw: net.ParseIP(gateway), Priority: metric}))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
