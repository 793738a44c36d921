package e2e

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/mac"
)

// mark is in each frame of an attack and names it to who sees the frame.
var mark = regexp.MustCompile(`<[a-z0-9 ,'→>-]{3,60}>`)

// framesSend sends each frame, a line of hexadecimal digits, by the interface, until its standard input closes: frames-send INTERFACE.
func framesSend(args []string) error {
	socket, err := framesOf(args[0])
	if err != nil {
		return err
	}
	defer socket.Close()
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		frame, err := hex.DecodeString(lines.Text())
		if err != nil {
			return err
		}
		if _, err := socket.Write(frame); err != nil {
			return fmt.Errorf("a frame of %d octets: %w", len(frame), err)
		}
	}
	return nil
}

// framesSee prints the mark of each frame that comes in by the interface and has one, until it is killed: frames-see INTERFACE.
func framesSee(args []string) error {
	socket, err := framesOf(args[0])
	if err != nil {
		return err
	}
	defer socket.Close()
	fmt.Println("ready")
	for buf := make([]byte, 1<<16); ; {
		n, err := socket.Read(buf)
		if err != nil {
			return err
		}
		if m := mark.Find(buf[:n]); m != nil {
			fmt.Println(string(m))
		}
	}
}

// sight is the marks of the frames that a workload has had.
type sight struct {
	mu   sync.Mutex
	seen map[string]int
}

// looksOut starts to watch what comes to the workload, until the test ends.
func (w workload) looksOut() *sight {
	w.c.t.Helper()
	cmd := w.tool("frames-see", "eth0")
	out, err := cmd.StdoutPipe()
	if err != nil {
		w.c.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		w.c.t.Fatal(err)
	}
	w.c.t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait() // it was told to end
	})
	lines := bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != "ready" {
		w.c.t.Fatalf("frames-see printed %q", lines.Text())
	}
	s := &sight{seen: map[string]int{}}
	go func() {
		for lines.Scan() {
			s.mu.Lock()
			s.seen[lines.Text()]++
			s.mu.Unlock()
		}
	}()
	return s
}

func (s *sight) of(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen["<"+name+">"]
}

// outsideSends has the machine outside send the frames by its interface.
func (c *cloud) outsideSends(by string, frames ...[]byte) {
	c.t.Helper()
	cmd := c.outsideTool("frames-send", by)
	var lines strings.Builder
	for _, f := range frames {
		lines.WriteString(hex.EncodeToString(f) + "\n")
	}
	cmd.Stdin = strings.NewReader(lines.String())
	if out, err := output(cmd); err != nil {
		c.t.Fatalf("frames-send: %v\n%s", err, out)
	}
}

// attacker is a machine at an uplink, and what it knows.
type attacker struct {
	own, edge mac.Addr   // its interface, and the router's port at the other end of the link
	router    netip.Addr // the router's address there
	fip       netip.Addr // the victim's floating address
	victim6   netip.Addr // its address of IPv6
}

const openPort = 5004 // by UDP, of both families, as the victim's security group says

// udp is a datagram to the victim's open port that passes.
func (a attacker) udp(src, dst netip.Addr) packet.Header {
	h := packet.Header{SrcMAC: a.own, DstMAC: a.edge, EtherType: packet.EtherTypeIPv4, SrcIP: src, DstIP: dst, Proto: packet.ProtoUDP,
		SrcPort: 7777, DstPort: openPort, TTL: 64}
	if dst.Is6() {
		h.EtherType = packet.EtherTypeIPv6
	}
	return h
}

// about is an ICMP error that quotes a datagram of the victim's, from one of its ports.
func (a attacker) about(kind, code uint16, value uint32, port uint16, name string) []byte {
	quoted := packet.Header{EtherType: packet.EtherTypeIPv4, SrcIP: a.fip, DstIP: outsider4, Proto: packet.ProtoUDP, SrcPort: port, DstPort: 7777, TTL: 64}
	h := a.udp(outsider4, a.fip)
	h.SrcPort, h.DstPort = kind, code
	const ethernet = 14
	return h.Error(value, quoted.Frame([]byte("<" + name + ">"))[ethernet:])
}

var outsider4, outsider6 = netip.MustParseAddr(outside4), netip.MustParseAddr(outside6)

// good are frames that the victim is to get, each by another way that an attack goes as well: without them the test would show nothing.
func (a attacker) good() map[string][]byte {
	all := map[string][]byte{}
	for name, h := range map[string]packet.Header{"good": a.udp(outsider4, a.fip), "good, ipv6": a.udp(outsider6, a.victim6)} {
		all[name] = h.Frame([]byte("<" + name + ">"))
	}
	all["good, with options"] = withOptions(all["good"], "good, with options")
	all["good, with extension headers"] = withExtensions(all["good, ipv6"], "good, with extension headers", 2)
	return all
}

// withOptions puts two words of options that do nothing behind the IPv4 header of a datagram, and another mark into it.
func withOptions(frame []byte, name string) []byte {
	const ip, header = 14, 20
	f := slices.Insert(remarked(frame, name), ip+header, 1, 1, 1, 0, 1, 1, 1, 0)
	f[ip] += 2
	binary.BigEndian.PutUint16(f[ip+2:], uint16(len(f)-ip))
	return summed4(f)
}

// withExtensions puts so many destination options that do nothing behind the IPv6 header.
func withExtensions(frame []byte, name string, headers int) []byte {
	const ip, header, destination, padding = 14, 40, 60, 1
	f := remarked(frame, name)
	for range headers {
		f = slices.Insert(f, ip+header, f[ip+6], 0, padding, 4, 0, 0, 0, 0)
		f[ip+6] = destination
	}
	binary.BigEndian.PutUint16(f[ip+4:], uint16(len(f)-ip-header))
	return f
}

// remarked returns a copy with another mark, which may be of another length; UDP over IPv6 has the checksum of the old one, which nobody on the way
// looks at.
func remarked(frame []byte, name string) []byte {
	at := mark.FindIndex(frame)
	return slices.Concat(frame[:at[0]], []byte("<"+name+">"))
}

// summed4 writes the checksum of the IPv4 header anew.
func summed4(f []byte) []byte {
	const ip, sum = 14, 24
	f[sum], f[sum+1] = 0, 0
	var total uint32
	for i := ip; i < ip+int(f[ip]&15)*4; i += 2 {
		total += uint32(binary.BigEndian.Uint16(f[i:]))
	}
	for total > 0xffff {
		total = total>>16 + total&0xffff
	}
	binary.BigEndian.PutUint16(f[sum:], ^uint16(total))
	return f
}

// bad are frames that nobody is to get. Not among them are later fragments to a port that is open, which go as the original's do, and packets that
// say they are longer than their frame, which their receivers drop (docs/divergences.md).
func (a attacker) bad() map[string][]byte {
	all := map[string][]byte{}
	add := func(name string, base packet.Header, change func(h *packet.Header)) {
		change(&base)
		all[name] = base.Frame([]byte("<" + name + ">"))
	}
	v4, v6 := a.udp(outsider4, a.fip), a.udp(outsider6, a.victim6)
	for name, src := range map[string]netip.Addr{"from the router's address": a.router, "from loopback": netip.MustParseAddr("127.0.0.1"),
		"from a group": netip.MustParseAddr("224.0.0.5"), "from all": netip.MustParseAddr("255.255.255.255"), "from nobody": netip.IPv4Unspecified()} {
		add(name, v4, func(h *packet.Header) { h.SrcIP = src })
	}
	add("from loopback of ipv6", v6, func(h *packet.Header) { h.SrcIP = netip.IPv6Loopback() })
	add("from another link", v6, func(h *packet.Header) { h.SrcIP = netip.MustParseAddr("fe80::77") })
	for name, base := range map[string]packet.Header{"": v4, ", ipv6": v6} {
		add("with a tag"+name, base, func(h *packet.Header) { h.VLAN = 7 | packet.VLANPresent })
		add("to another station"+name, base, func(h *packet.Header) { h.DstMAC = mac.Addr{2, 0xee} })
		add("to all stations"+name, base, func(h *packet.Header) { h.DstMAC = mac.Broadcast })
		add("from a group of stations"+name, base, func(h *packet.Header) { h.SrcMAC = mac.Broadcast })
		add("to a closed port"+name, base, func(h *packet.Header) { h.DstPort = 5999 })
		add("a first fragment to a closed port"+name, base, func(h *packet.Header) { h.Fragment, h.DstPort = packet.FragmentFirst, 5999 })
	}
	add("a dhcp answer", v4, func(h *packet.Header) { h.SrcPort, h.DstPort = 67, 68 })
	add("a dhcpv6 answer", v6, func(h *packet.Header) { h.SrcPort, h.DstPort = 547, 546 })
	for name, kind := range map[string]uint16{"a router advertisement": packet.NDRouterAdvertisement, "a listener query": packet.MLDQuery,
		"a listener report": packet.MLDv2Report, "a redirect of ipv6": packet.NDRedirect} {
		add(name, v6, func(h *packet.Header) { h.Proto, h.SrcPort, h.DstPort, h.TTL = packet.ProtoICMPv6, kind, 0, 255 })
	}
	all["about nothing of ours"] = a.about(packet.ICMPUnreachable, 4, 576, 5999, "about nothing of ours")
	all["a port that nobody asked"] = a.about(packet.ICMPUnreachable, 3, 0, 5999, "a port that nobody asked")
	all["a redirect"] = a.about(packet.ICMPRedirect, 1, 0x0a230105, openPort, "a redirect")
	all["too many extension headers"] = withExtensions(v6.Frame([]byte("<->-->")), "too many extension headers", packet.MaxExtensions+1)
	const ip, total4 = 14, 2
	broken := func(name string, base packet.Header, change func(f []byte) []byte) {
		all[name] = change(base.Frame([]byte("<" + name + ">")))
	}
	broken("another version", v4, func(f []byte) []byte { f[ip] = 0x55; return f })
	broken("a short header", v4, func(f []byte) []byte { f[ip] = 0x44; return f })
	broken("a header beyond the packet", v4, func(f []byte) []byte { f[ip] = 0x4f; f[ip+total4+1] = 40; return f })
	return all
}

// claims are what a machine may say of addresses on its link that are not its own: the router's, the victim's.
func (a attacker) claims() (frames [][]byte) {
	evil := mac.Addr{2, 0xee, 0, 0, 0, 1}
	for _, addr := range []netip.Addr{a.router, a.fip} {
		frames = append(frames,
			packet.ARP{Operation: packet.ARPReply, SenderMAC: evil, SenderIP: addr, TargetMAC: a.edge, TargetIP: a.router}.Frame(evil, a.edge),
			packet.ARP{Operation: packet.ARPRequest, SenderMAC: evil, SenderIP: addr, TargetIP: addr}.Frame(evil, mac.Broadcast))
	}
	for _, addr := range []netip.Addr{packet.LinkLocal(a.edge), a.victim6} {
		asked := packet.Packet{}
		if packet.Parse(packet.Solicitation(evil, packet.LinkLocal(evil), addr), &asked) == nil {
			frames = append(frames, asked.NeighbourReply(evil, true))
		}
	}
	return append(frames, []byte("\x02\xee\x00\x00\x00\x01\x02\xee\x00\x00\x00\x02\x08\x00"), make([]byte, 1514))
}

// TestAttacksFromOutside: what a machine at an uplink may send that it should not, while connections of the workload go on. The workload's security
// group lets one port in; nothing else comes, and nothing of it is believed.
func TestAttacksFromOutside(t *testing.T) {
	t.Parallel()
	c := startCloud(t, 3)
	c.sandbox("uplink", "--host", "host3")
	blue := c.securedNetwork("blue", "10.35.1.0/24", "fd00:35:1::/64")
	router := c.router("r1", "public", blue)
	victim := c.workload("victim", "host1", blue)
	c.allow(c.groupsOf(victim)[0], fmt.Sprintf(`"ethertype":"IPv4","protocol":"udp","port_range_min":%d,"port_range_max":%d`, openPort, openPort))
	c.allow(c.groupsOf(victim)[0], fmt.Sprintf(`"ethertype":"IPv6","protocol":"udp","port_range_min":%d,"port_range_max":%d`, openPort, openPort))
	c.routesIn(router, "fd00:35::/32", victim)
	c.outsideServes("tcp-echo", "5001")
	seen := victim.looksOut()
	by, a := c.attackerAt("host3")
	a.fip, a.victim6 = netip.MustParseAddr(c.floatingIP(victim)), netip.MustParseAddr(victim.ip6())
	c.eventually("the floating address is at work", func() error { return victim.reaches(outside4) })
	connections := []*flow{victim.connects(outside4 + ":5001"), victim.connects("[" + outside6 + "]:5001")}

	good, bad := a.good(), a.bad()
	for _, round := range []string{"when nothing is known", "when there are flows, and a conversation"} {
		c.scenario(round, func(t *testing.T) {
			c.outsideSends(by, slices.Collect(maps.Values(bad))...)
			c.outsideSends(by, a.claims()...)
			for name, f := range good {
				c.eventually(name+" comes", func() error {
					was := seen.of(name)
					c.outsideSends(by, f)
					time.Sleep(10 * time.Millisecond)
					if seen.of(name) == was {
						return fmt.Errorf("it does not")
					}
					return nil
				})
			}
			for name := range bad {
				if seen.of(name) > 0 {
					t.Errorf("%s: the workload got it", name)
				}
			}
			victim.pings(outside4)
			victim.pings(outside6)
		})
	}
	c.scenario("an error about what the workload says comes, as small an MTU as it may tell", func(t *testing.T) {
		for _, mtu := range []uint32{0, 1, 68, 576} {
			name := fmt.Sprintf("mtu of %d", mtu)
			c.eventually(name+" comes", func() error {
				c.outsideSends(by, a.about(packet.ICMPUnreachable, 4, mtu, openPort, name))
				time.Sleep(10 * time.Millisecond)
				if seen.of(name) == 0 {
					return fmt.Errorf("it does not")
				}
				return nil
			})
		}
	})
	for _, f := range connections {
		f.endsWell(t, 5*time.Second)
	}
	c.scenario("nothing was believed", func(t *testing.T) {
		if routes := victim.run("ip", "-6", "route", "show", "default"); strings.Count(routes, "default") > 1 {
			t.Errorf("the workload has these routes:\n%s", routes)
		}
		c.mustOutside("ip", "neigh", "flush", "dev", by)
		c.outsideSends(by, good["good"])
		victim.pings(outside4)
	})
}

// attackerAt returns the interface by which the machine outside has its link to the host's uplink, and what it knows there.
func (c *cloud) attackerAt(host string) (by string, a attacker) {
	c.t.Helper()
	var found struct{ Ports []neutronPort }
	c.request(http.MethodGet, "ports?device_id="+c.routerNamed("mn-edge")+"&network_id="+c.find("networks", "mn-uplink-net-"+host), "", &found)
	for _, ip := range found.Ports[0].FixedIPs {
		if addr := netip.MustParseAddr(ip.Address); addr.Is4() {
			a.router, a.edge = addr, mac.MustParse(found.Ports[0].MAC)
		}
	}
	by = strings.Fields(c.mustOutside("ip", "-o", "route", "get", a.router.String()))[2]
	out := strings.Fields(c.mustOutside("ip", "-o", "link", "show", "dev", by))
	a.own = mac.MustParse(out[slices.Index(out, "link/ether")+1])
	return by, a
}
