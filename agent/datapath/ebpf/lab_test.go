package ebpf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/datapath/datapathtest"
)

// patience bounds the waiting for what must come: machines stand still now and then.
const patience = time.Minute

// needRoot skips where no datapath can be; a machine that runs as root and lacks a feature fails.
func needRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root for network namespaces and BPF")
	}
}

// testNamespace is an unnamed network namespace: it goes when its last descriptor is closed, also when the test crashes.
type testNamespace struct{ handle netns.NsHandle }

func newNamespace(t testing.TB) *testNamespace {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	origin, err := netns.Get()
	check(t, err)
	defer origin.Close()
	handle, err := netns.New() // enters it
	check(t, err)
	check(t, netns.Set(origin))
	ns := &testNamespace{handle: handle}
	t.Cleanup(func() { handle.Close() })
	ns.do(t, func() {
		for _, scope := range []string{"all", "default"} {
			check(t, os.WriteFile("/proc/sys/net/ipv6/conf/"+scope+"/accept_dad", []byte("0"), 0))
		}
		lo, err := netlink.LinkByName("lo")
		check(t, err)
		check(t, netlink.LinkSetUp(lo))
	})
	return ns
}

// do calls f on a thread that is in the namespace.
func (ns *testNamespace) do(t testing.TB, f func()) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	origin, err := netns.Get()
	check(t, err)
	defer origin.Close()
	check(t, netns.Set(ns.handle))
	defer func() { check(t, netns.Set(origin)) }()
	f()
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// host is a host's namespace with a datapath in it, and a namespace beside it that the workloads' ends are in.
type host struct {
	*testNamespace
	workloads *testNamespace
	config    Config
	current   *Datapath
	names     atomic.Int32
}

func (h *host) open(t testing.TB) datapath.Datapath {
	t.Helper()
	h.do(t, func() {
		d, err := Open(h.config)
		check(t, err)
		h.current = d
	})
	return h.current
}

func newHost(t testing.TB, c Config) *host {
	t.Helper()
	c.PinDir = filepath.Join(t.TempDir(), "bpf")
	h := &host{testNamespace: newNamespace(t), workloads: newNamespace(t), config: c}
	t.Cleanup(func() {
		if h.current != nil {
			h.current.Close()
		}
		err := unix.Unmount(c.PinDir, unix.MNT_DETACH)
		if err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOENT) { // where nothing was opened
			t.Error(err)
		}
	})
	return h
}

// newHosts makes two hosts with an underlay of both families between them.
func newHosts(t *testing.T, c Config) [2]*host {
	t.Helper()
	hosts := [2]*host{newHost(t, c), newHost(t, c)}
	veth := netlink.NewVeth(netlink.LinkAttrs{Name: "underlay", MTU: 1600})
	veth.PeerName = "underlay"
	veth.PeerMTU = 1600
	veth.PeerNamespace = netlink.NsFd(hosts[1].handle)
	hosts[0].do(t, func() { check(t, netlink.LinkAdd(veth)) })
	for i, h := range hosts {
		h.do(t, func() {
			l, err := netlink.LinkByName("underlay")
			check(t, err)
			for _, a := range []netip.Addr{underlayIPv4(i), underlayIPv6(i)} {
				bits := 24
				if a.Is6() {
					bits = 64
				}
				mask := net.CIDRMask(bits, a.BitLen())
				check(t, netlink.AddrAdd(l, &netlink.Addr{IPNet: &net.IPNet{IP: a.AsSlice(), Mask: mask}, Flags: unix.IFA_F_NODAD}))
			}
			check(t, netlink.LinkSetUp(l))
		})
	}
	return hosts
}

func underlayIPv4(i int) netip.Addr { return netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 1)}) }

func underlayIPv6(i int) netip.Addr {
	return netip.AddrFrom16([16]byte{0: 0xfd, 15: byte(i + 1)})
}

// newHarness is the suite's.
func newHarness(t *testing.T, o datapathtest.Options) [2]*datapathtest.Host {
	needRoot(t)
	c := Config{MaxFlows: or(o.MaxFlows, 1024), MissRate: o.MissRate, MissBurst: o.MissBurst, StateBurst: o.StateBurst}
	if o.StateBurst > 0 {
		c.StateRate = 1
	}
	hosts := newHosts(t, c)
	var out [2]*datapathtest.Host
	for i, h := range hosts {
		out[i] = &datapathtest.Host{
			Datapath: h.open(t), IPv4: underlayIPv4(i), IPv6: underlayIPv6(i),
			NewInterface: func(t *testing.T) datapathtest.Interface { return h.newWire(t) },
		}
	}
	return out
}

// wire is a veth from the host to the workloads' namespace, and a packet socket on its far end.
type wire struct {
	name string
	far  netlink.Link
	fd   int
}

func (w *wire) Name() string { return w.name }

func (h *host) newWire(t *testing.T) *wire {
	t.Helper()
	w := &wire{}
	w.name, w.far = h.newVeth(t, h.workloads)
	h.workloads.do(t, func() { w.fd = packetSocket(t, w.far.Attrs().Index) })
	t.Cleanup(func() { unix.Close(w.fd) })
	return w
}

// newVeth makes a veth from the host to the namespace. Both ends have the name.
func (h *host) newVeth(t testing.TB, to *testNamespace) (name string, far netlink.Link) {
	t.Helper()
	name = fmt.Sprintf("port%d", h.names.Add(1))
	veth := netlink.NewVeth(netlink.LinkAttrs{Name: name})
	veth.PeerName = name
	veth.PeerNamespace = netlink.NsFd(to.handle)
	h.do(t, func() {
		check(t, netlink.LinkAdd(veth))
		_, err := upByName(name)
		check(t, err)
	})
	to.do(t, func() {
		_, err := upByName(name)
		check(t, err)
		far, err = netlink.LinkByName(name)
		check(t, err)
	})
	return name, far
}

func packetSocket(t *testing.T, ifindex int) int {
	t.Helper()
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	check(t, err)
	for _, option := range []int{unix.PACKET_VNET_HDR, unix.PACKET_AUXDATA, unix.PACKET_IGNORE_OUTGOING} {
		check(t, unix.SetsockoptInt(fd, unix.SOL_PACKET, option, 1))
	}
	check(t, unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: ifindex, Protocol: swap16(unix.ETH_P_ALL)}))
	return fd
}

func (w *wire) Send(t *testing.T, frame []byte) {
	t.Helper()
	w.sendOffload(t, frame, datapath.Offload{})
}

func (w *wire) sendOffload(t *testing.T, frame []byte, o datapath.Offload) {
	t.Helper()
	header := vnetHeader(frame, o)
	_, err := unix.Write(w.fd, append(header[:], frame...))
	check(t, err)
}

func (w *wire) Receive(t *testing.T, wait time.Duration) []byte {
	t.Helper()
	frame, _ := w.receiveOffload(t, wait)
	return frame
}

// receiveOffload completes a checksum that was left to hardware, and says what was left.
func (w *wire) receiveOffload(t *testing.T, wait time.Duration) ([]byte, datapath.Offload) {
	t.Helper()
	poll := []unix.PollFd{{Fd: int32(w.fd), Events: unix.POLLIN}}
	for end := time.Now().Add(wait); ; {
		n, err := unix.Poll(poll, max(0, int(time.Until(end).Milliseconds())))
		if err != nil && errors.Is(err, unix.EINTR) {
			continue
		}
		check(t, err)
		if n == 0 {
			return nil, datapath.Offload{}
		}
		break
	}
	b, control := make([]byte, 1<<17), make([]byte, 256)
	n, cn, _, _, err := unix.Recvmsg(w.fd, b, control, 0)
	check(t, err)
	o := offloadOf(b)
	frame := b[vnetHeaderLen:n]
	if o.ChecksumPartial {
		completeChecksum(frame, o)
	}
	return restoreTag(t, frame, control[:cn]), o
}

func offloadOf(b []byte) datapath.Offload {
	number := binary.NativeEndian
	return datapath.Offload{
		ChecksumPartial: b[0]&vnetNeedsChecksum != 0, SegmentSize: number.Uint16(b[4:]),
		ChecksumStart: number.Uint16(b[6:]), ChecksumOffset: number.Uint16(b[8:]),
	}
}

func completeChecksum(frame []byte, o datapath.Offload) {
	var sum uint32
	part := frame[o.ChecksumStart:]
	for i := 0; i < len(part); i += 2 {
		sum += uint32(part[i]) << 8
		if i+1 < len(part) {
			sum += uint32(part[i+1])
		}
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	binary.BigEndian.PutUint16(part[o.ChecksumOffset:], ^uint16(sum))
}

// restoreTag puts the tag that the kernel keeps beside a received frame back in.
func restoreTag(t *testing.T, frame, control []byte) []byte {
	t.Helper()
	const vlanValid, vlanTypeValid = 1 << 4, 1 << 6 // TP_STATUS_VLAN_VALID, TP_STATUS_VLAN_TPID_VALID of linux/if_packet.h
	messages, err := unix.ParseSocketControlMessage(control)
	check(t, err)
	for _, m := range messages {
		if m.Header.Level != unix.SOL_PACKET || m.Header.Type != unix.PACKET_AUXDATA {
			continue
		}
		number := binary.NativeEndian
		status, tci, kind := number.Uint32(m.Data), number.Uint16(m.Data[16:]), uint16(unix.ETH_P_8021Q)
		if status&vlanValid == 0 {
			continue
		}
		if status&vlanTypeValid != 0 {
			kind = number.Uint16(m.Data[18:])
		}
		var network [2]byte
		binary.BigEndian.PutUint16(network[:], kind)
		return insertTag(append(make([]byte, 4), frame...), network, tci)
	}
	return frame
}
