package dhcp

import (
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/insomniacslk/dhcp/dhcpv4"

	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/sim"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/agent/view/viewtest"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

const cloud = `
bridge blue
port vm1 blue key 11
port vm2 blue key 12
dhcp s1 blue 10.0.0.0/24 router=10.0.0.1 server=10.0.0.2 dns=9.9.9.9,1.1.1.1,2620:fe::fe route=169.254.169.254/32>10.0.0.2 route=10.9.0.0/16>10.0.0.7 mtu=1450 domain=cloud.example
reserve s1 blue vm1 fa:16:3e:00:00:01 10.0.0.3 name=vm1
`

var (
	client = mac.MustParse("fa:16:3e:00:00:01")
	server = netip.MustParseAddr("10.0.0.2")
	leased = netip.MustParseAddr("10.0.0.3")
)

func discover(t testing.TB, options ...dhcpv4.Modifier) *dhcpv4.DHCPv4 {
	t.Helper()
	m, err := dhcpv4.NewDiscovery(client[:], options...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// request returns a REQUEST for the address, as a client in state SELECTING sends it.
func request(t testing.TB, wanted string, options ...dhcpv4.Modifier) *dhcpv4.DHCPv4 {
	m := discover(t, options...)
	m.UpdateOption(dhcpv4.OptMessageType(dhcpv4.MessageTypeRequest))
	if wanted != "" {
		m.UpdateOption(dhcpv4.OptRequestedIPAddress(net.ParseIP(wanted)))
	}
	return m
}

// send has the responder answer the message, sent by vm1 from src to dst.
func send(v *view.View, port string, m *dhcpv4.DHCPv4, src, dst netip.Addr) (sim.Response, bool) {
	frame := packet.WrapUDP(client, mac.Broadcast, netip.AddrPortFrom(src, clientPort), netip.AddrPortFrom(dst, serverPort), m.ToBytes())
	return Responder{}.Respond(v, sim.Input{InPort: viewtest.ID[topology.Port](port), Frame: frame})
}

func broadcast(v *view.View, m *dhcpv4.DHCPv4) (sim.Response, bool) {
	return send(v, "vm1", m, netip.IPv4Unspecified(), limitedBroadcast)
}

// answerOf returns the one answer and its headers.
func answerOf(t testing.TB, v *view.View, m *dhcpv4.DHCPv4) (*dhcpv4.DHCPv4, *packet.Packet) {
	t.Helper()
	r, taken := broadcast(v, m)
	if !taken || len(r.Frames) != 1 {
		t.Fatalf("taken %v, %d answers: %s", taken, len(r.Frames), r.Step.Text)
	}
	return decode(t, r.Frames[0])
}

func decode(t testing.TB, frame []byte) (*dhcpv4.DHCPv4, *packet.Packet) {
	t.Helper()
	var p packet.Packet
	if err := packet.Parse(frame, &p); err != nil {
		t.Fatal(err)
	}
	reply, err := dhcpv4.FromBytes(p.Data())
	if err != nil {
		t.Fatal(err)
	}
	return reply, &p
}

func TestOffer(t *testing.T) {
	m := discover(t, dhcpv4.WithRequestedOptions(dhcpv4.OptionRouter, dhcpv4.OptionDomainNameServer, dhcpv4.OptionHostName,
		dhcpv4.OptionDomainName, dhcpv4.OptionBroadcastAddress, dhcpv4.OptionClasslessStaticRoute))
	m.UpdateOption(dhcpv4.OptClientIdentifier([]byte{1, 2, 3}))
	reply, p := answerOf(t, viewtest.View(cloud), m)
	if p.SrcMAC != view.DHCPServerMAC || p.DstMAC != client || p.SrcIP != server || p.DstIP != leased || p.SrcPort != 67 || p.DstPort != 68 {
		t.Errorf("sent as %+v", p.Header)
	}
	if !reply.YourIPAddr.Equal(leased.AsSlice()) || reply.TransactionID != m.TransactionID || reply.OpCode != dhcpv4.OpcodeBootReply {
		t.Errorf("wrong reply: %s", reply.Summary())
	}
	want := map[uint8][]byte{
		1: {255, 255, 255, 0}, 3: {10, 0, 0, 1}, 6: {9, 9, 9, 9, 1, 1, 1, 1}, 12: []byte("vm1"), 15: []byte("cloud.example"),
		26: {1450 >> 8, 1450 & 255}, 28: {10, 0, 0, 255}, 51: {0, 1, 0x51, 0x80}, 53: {2}, 54: {10, 0, 0, 2},
		58: {0, 0, 0xa8, 0xc0}, 59: {0, 1, 0x27, 0x50}, 61: {1, 2, 3},
		121: {32, 169, 254, 169, 254, 10, 0, 0, 2, 16, 10, 9, 10, 0, 0, 7, 0, 10, 0, 0, 1},
	}
	if diff := cmp.Diff(want, map[uint8][]byte(reply.Options)); diff != "" {
		t.Errorf("options (-want +got):\n%s", diff)
	}
}

// TestOfferHoldsForAnotherImplementation has gopacket read an offer, so that we do not only agree with the library that wrote it.
func TestOfferHoldsForAnotherImplementation(t *testing.T) {
	r, _ := broadcast(viewtest.View(cloud), discover(t))
	p := gopacket.NewPacket(r.Frames[0], layers.LayerTypeEthernet, gopacket.Default)
	offer, ok := p.Layer(layers.LayerTypeDHCPv4).(*layers.DHCPv4)
	if !ok || p.ErrorLayer() != nil {
		t.Fatalf("no DHCP in %v", p)
	}
	if !offer.YourClientIP.Equal(leased.AsSlice()) || mac.Addr(offer.ClientHWAddr) != client {
		t.Errorf("offer %+v", offer)
	}
}

func TestRequestedOptions(t *testing.T) {
	codes := func(m *dhcpv4.DHCPv4) []uint8 {
		var list []uint8
		for c := range m.Options {
			list = append(list, c)
		}
		slices.Sort(list)
		return list
	}
	v := viewtest.View(cloud)
	few := discover(t)
	few.Options[dhcpv4.OptionParameterRequestList.Code()] = []byte{3, 249}
	if reply, _ := answerOf(t, v, few); !slices.Equal(codes(reply), []uint8{1, 3, 26, 51, 53, 54, 58, 59, 249}) {
		t.Errorf("asked for 3 and 249, got %v", codes(reply))
	}
	all := discover(t)
	delete(all.Options, dhcpv4.OptionParameterRequestList.Code())
	if reply, _ := answerOf(t, v, all); !slices.Equal(codes(reply), []uint8{1, 3, 6, 12, 15, 26, 28, 51, 53, 54, 58, 59, 121}) {
		t.Errorf("asked for nothing in particular, got %v", codes(reply))
	}
	bare := viewtest.View("bridge blue\nport vm1 blue\ndhcp s1 blue 10.0.0.0/24 server=10.0.0.2\nreserve s1 blue vm1 fa:16:3e:00:00:01 10.0.0.3")
	if reply, _ := answerOf(t, bare, all); !slices.Equal(codes(reply), []uint8{1, 28, 51, 53, 54, 58, 59}) {
		t.Errorf("of a subnet with nothing, got %v", codes(reply))
	}
}

func TestRequest(t *testing.T) {
	v := viewtest.View(cloud)
	for name, c := range map[string]struct {
		message *dhcpv4.DHCPv4
		want    dhcpv4.MessageType
		dst     netip.Addr
		hw      mac.Addr
	}{
		"reserved address":   {request(t, "10.0.0.3"), dhcpv4.MessageTypeAck, leased, client},
		"another address":    {request(t, "10.0.0.99"), dhcpv4.MessageTypeNak, limitedBroadcast, mac.Broadcast},
		"broadcast flag":     {request(t, "10.0.0.3", dhcpv4.WithBroadcast(true)), dhcpv4.MessageTypeAck, limitedBroadcast, mac.Broadcast},
		"rebinding":          {request(t, "", dhcpv4.WithClientIP(leased.AsSlice())), dhcpv4.MessageTypeAck, leased, client},
		"rebinding to wrong": {request(t, "", dhcpv4.WithClientIP(net.IPv4(10, 0, 0, 9))), dhcpv4.MessageTypeNak, limitedBroadcast, mac.Broadcast},
	} {
		reply, p := answerOf(t, v, c.message)
		if reply.MessageType() != c.want || p.DstIP != c.dst || p.DstMAC != c.hw {
			t.Errorf("%s: %s to %s at %s, want %s to %s at %s", name, reply.MessageType(), p.DstIP, p.DstMAC, c.want, c.dst, c.hw)
		}
		if nak := c.want == dhcpv4.MessageTypeNak; nak != unspecified(reply.YourIPAddr) || nak == reply.Options.Has(dhcpv4.OptionIPAddressLeaseTime) {
			t.Errorf("%s: %s", name, reply.Summary())
		}
	}
}

func TestRenewalBySourceAddress(t *testing.T) {
	v, m := viewtest.View(cloud), request(t, "", dhcpv4.WithClientIP(leased.AsSlice()))
	r, taken := send(v, "vm1", m, leased, server)
	if !taken || len(r.Frames) != 1 {
		t.Fatalf("a renewal sent to the server's address: taken %v, %d answers", taken, len(r.Frames))
	}
	if reply, _ := decode(t, r.Frames[0]); reply.MessageType() != dhcpv4.MessageTypeAck || !reply.ClientIPAddr.Equal(leased.AsSlice()) {
		t.Errorf("answered by %s", reply.Summary())
	}
	if _, taken := send(v, "vm1", m, leased, netip.MustParseAddr("10.0.0.77")); taken {
		t.Error("a renewal sent to another server is taken")
	}
}

func TestInform(t *testing.T) {
	m := discover(t, dhcpv4.WithClientIP(leased.AsSlice()))
	m.UpdateOption(dhcpv4.OptMessageType(dhcpv4.MessageTypeInform))
	reply, p := answerOf(t, viewtest.View(cloud), m)
	if reply.MessageType() != dhcpv4.MessageTypeAck || !unspecified(reply.YourIPAddr) || reply.Options.Has(dhcpv4.OptionIPAddressLeaseTime) || p.DstIP != leased {
		t.Errorf("answered to %s by %s", p.DstIP, reply.Summary())
	}
}

func TestTakenInSilence(t *testing.T) {
	for _, kind := range []dhcpv4.MessageType{dhcpv4.MessageTypeRelease, dhcpv4.MessageTypeDecline} {
		m := discover(t)
		m.UpdateOption(dhcpv4.OptMessageType(kind))
		if r, taken := broadcast(viewtest.View(cloud), m); !taken || len(r.Frames) != 0 || !strings.Contains(r.Step.Text, kind.String()) {
			t.Errorf("%s: taken %v, %d answers, %q", kind, taken, len(r.Frames), r.Step.Text)
		}
	}
	if r, taken := broadcast(viewtest.View(cloud), request(t, "")); !taken || len(r.Frames) != 0 {
		t.Errorf("a REQUEST without an address: taken %v, %d answers", taken, len(r.Frames))
	}
}

func TestNotTaken(t *testing.T) {
	relayed := discover(t)
	relayed.GatewayIPAddr = net.IPv4(10, 0, 0, 9)
	answer := discover(t)
	answer.OpCode = dhcpv4.OpcodeBootReply
	for name, c := range map[string]struct {
		text, port string
		message    *dhcpv4.DHCPv4
	}{
		"a relay's request":       {cloud, "vm1", relayed},
		"a server's answer":       {cloud, "vm1", answer},
		"behind another port":     {cloud, "vm2", discover(t)},
		"port that is not here":   {cloud, "vm9", discover(t)},
		"subnet that is off":      {strings.Replace(cloud, "router=", "off router=", 1), "vm1", discover(t)},
		"host that is silent":     {strings.Replace(cloud, "router=", "silent=h2 silent=h1 router=", 1), "vm1", discover(t)},
		"subnet of IPv6":          {strings.NewReplacer("10.0.0.0/24", "fd00::/64", " 10.0.0.3", " fd00::3").Replace(cloud), "vm1", discover(t)},
		"subnet that is not here": {strings.Replace(cloud, "reserve s1", "reserve s2", 1), "vm1", discover(t)},
		"no server address":       {strings.Replace(cloud, "router=10.0.0.1 server=10.0.0.2", "", 1), "vm1", discover(t)},
		"no reservation":          {strings.Replace(cloud, "fa:16:3e:00:00:01", "fa:16:3e:00:00:02", 1), "vm1", discover(t)},
	} {
		if r, taken := send(viewtest.View(c.text), c.port, c.message, netip.IPv4Unspecified(), limitedBroadcast); taken {
			t.Errorf("%s: taken: %s", name, r.Step.Text)
		}
	}
}

// TestAnotherHostIsSilent: it makes no difference here.
func TestAnotherHostIsSilent(t *testing.T) {
	if _, taken := broadcast(viewtest.View(strings.Replace(cloud, "router=", "silent=h2 router=", 1)), discover(t)); !taken {
		t.Error("not answered")
	}
}

func TestStationWithTwoAddresses(t *testing.T) {
	v := viewtest.View(cloud + `
dhcp s2 blue 10.1.0.0/24 router=10.1.0.1
reserve s2 blue vm1 fa:16:3e:00:00:01 10.1.0.3
`)
	for _, wanted := range []string{"10.0.0.3", "10.1.0.3"} {
		if reply, _ := answerOf(t, v, request(t, wanted)); reply.MessageType() != dhcpv4.MessageTypeAck || reply.YourIPAddr.String() != wanted {
			t.Errorf("a REQUEST for %s is answered by %s", wanted, reply.Summary())
		}
	}
}

func TestExtraOptions(t *testing.T) {
	v := viewtest.View(cloud)
	host := *v.DHCPHosts(viewtest.ID[topology.Bridge]("blue"), client)[0]
	host.Options = []topology.DHCPOption{
		{Name: "67", Value: "pxelinux.0"}, {Name: "tftp-server", Value: "10.0.0.8"}, {Name: "server-ip-address", Value: "10.0.0.9"},
		{Name: "mtu", Value: "9000"}, {Name: "no-such-option", Value: "1"}, {Name: "ntp-server", Value: "ntp.example"}, {Name: "54", Value: "6.6.6.6"},
		{Name: "150", Value: "10.0.0.8"},
	}
	v, _ = v.Apply(view.Delta{Puts: []topology.Object{&host}})
	m := discover(t)
	m.Options[dhcpv4.OptionParameterRequestList.Code()] = []byte{66}
	r, _ := broadcast(v, m)
	reply, _ := decode(t, r.Frames[0])
	if reply.BootFileName != "pxelinux.0" || reply.TFTPServerName() != "10.0.0.8" || !reply.ServerIPAddr.Equal(net.IPv4(10, 0, 0, 9)) {
		t.Errorf("boot file %q, server name %q, server %s", reply.BootFileName, reply.TFTPServerName(), reply.ServerIPAddr)
	}
	if mtu := reply.Options.Get(dhcpv4.OptionInterfaceMTU); !slices.Equal(mtu, []byte{9000 >> 8, 9000 & 255}) {
		t.Errorf("MTU %v: the host's own does not take precedence", mtu)
	}
	if !reply.ServerIdentifier().Equal(server.AsSlice()) || reply.Options.Has(dhcpv4.GenericOptionCode(150)) {
		t.Errorf("sent what is not to be: %s", reply.Summary())
	}
	for _, want := range []string{`"no-such-option" is not the name`, `"ntp.example" is not an IPv4 address`, "option 54"} {
		if !strings.Contains(r.Step.Text, want) {
			t.Errorf("the step %q does not say %q", r.Step.Text, want)
		}
	}
}

func TestEncodeOption(t *testing.T) {
	for _, c := range []struct {
		name, value string
		code        uint8
		want        []byte
	}{
		{"dns-server", "9.9.9.9, 1.1.1.1", 6, []byte{9, 9, 9, 9, 1, 1, 1, 1}},
		{"NTP_SERVERS", "9.9.9.9", 42, []byte{9, 9, 9, 9}},
		{"option:router", "10.0.0.9", 3, []byte{10, 0, 0, 9}},
		{"26", "1400", 26, []byte{5, 120}},
		{"time-offset", "-3600", 2, []byte{0xff, 0xff, 0xf1, 0xf0}},
		{"default-ttl", "0x40", 23, []byte{64}},
		{"ip-forward-enable", "True", 19, []byte{1}},
		{"domain-search", "eng.example, example.", 119, []byte("\x03eng\x07example\x00\x07example\x00")},
		{"classless-static-route", "10.9.0.0/16,10.0.0.7,0.0.0.0/0,10.0.0.1", 121, []byte{16, 10, 9, 10, 0, 0, 7, 0, 10, 0, 0, 1}},
		{"policy-filter", "10.9.1.1/16", 21, []byte{10, 9, 0, 0, 255, 255, 0, 0}},
		{"static-route", "10.9.0.0,10.0.0.7", 33, []byte{10, 9, 0, 0, 10, 0, 0, 7}},
		{"vendor-id-encap", "00:00:01:37", 125, []byte{0, 0, 1, 0x37}},
		{"vendor-class", "PXEClient", 60, []byte("PXEClient")},
		{"t1", "60", 58, []byte{0, 0, 0, 60}},
		{"224", "10.0.0.1,10.0.0.2", 224, []byte{10, 0, 0, 1, 10, 0, 0, 2}},
		{"224", "200", 224, []byte{200}},
		{"224", "70000", 224, []byte{0, 1, 0x11, 0x70}},
		{"224", "01:02:ff", 224, []byte{1, 2, 255}},
		{"224", "http://x", 224, []byte("http://x")},
		{"80", "", 80, []byte{}},
	} {
		code, got, err := encodeOption(topology.DHCPOption{Name: c.name, Value: c.value})
		if err != nil || code != c.code || !slices.Equal(got, c.want) {
			t.Errorf("%s=%s: %d %v, %v; want %d %v", c.name, c.value, code, got, err, c.code, c.want)
		}
	}
	for _, o := range []topology.DHCPOption{
		{Name: "", Value: "x"}, {Name: "0", Value: "x"}, {Name: "256", Value: "x"}, {Name: "nonsense", Value: "x"}, {Name: "mtu", Value: "70000"},
		{Name: "mtu", Value: ""}, {Name: "router", Value: "fd00::1"}, {Name: "121", Value: "10.0.0.0/8"}, {Name: "121", Value: "10.0.0.0/8,x"},
		{Name: "19", Value: "maybe"}, {Name: "125", Value: "xyz"}, {Name: "119", Value: "a..b"}, {Name: "server-ip-address", Value: "1.1.1.1,2.2.2.2"},
	} {
		if code, got, err := encodeOption(o); err == nil {
			t.Errorf("%s=%s is taken as %d %v", o.Name, o.Value, code, got)
		}
	}
}

func TestLeaseTime(t *testing.T) {
	for text, want := range map[string]time.Duration{" lease=600 domain": 600 * time.Second, " lease=0 domain": defaultLease,
		" lease=4294967295 domain": infinite * time.Second} {
		reply, _ := answerOf(t, viewtest.View(strings.Replace(cloud, " domain", text, 1)), discover(t))
		if got := reply.IPAddressLeaseTime(0); got != want {
			t.Errorf("%s: lease %s, want %s", text, got, want)
		}
		if got := reply.Options.Has(dhcpv4.OptionRenewTimeValue); got == (want == infinite*time.Second) {
			t.Errorf("%s: renewal time sent: %v", text, got)
		}
	}
}

func FuzzRespond(f *testing.F) {
	v := viewtest.View(cloud)
	host := *v.DHCPHosts(viewtest.ID[topology.Bridge]("blue"), client)[0]
	f.Add(discover(f).ToBytes(), "tftp-server", "10.0.0.8")
	f.Add(request(f, "10.0.0.99").ToBytes(), "domain-search", "example.org,eng.example.org")
	f.Add(request(f, "10.0.0.3").ToBytes(), "121", "10.9.0.0/16,10.0.0.7")
	f.Fuzz(func(t *testing.T, body []byte, name, value string) {
		h := host
		h.Options = []topology.DHCPOption{{Name: name, Value: value}}
		v, _ := v.Apply(view.Delta{Puts: []topology.Object{&h}})
		frame := packet.WrapUDP(client, mac.Broadcast, netip.AddrPortFrom(netip.IPv4Unspecified(), clientPort),
			netip.AddrPortFrom(limitedBroadcast, serverPort), body)
		r, _ := Responder{}.Respond(v, sim.Input{InPort: viewtest.ID[topology.Port]("vm1"), Frame: frame})
		for _, answer := range r.Frames {
			if len(answer) < 1<<16 {
				decode(t, answer)
			}
		}
	})
}

// TestRouteToMetadata: a client that nothing else leads to the metadata service gets a route of its own, where its host has the service.
func TestRouteToMetadata(t *testing.T) {
	const subnet = "bridge blue\nport vm1 blue\nreserve s1 blue vm1 fa:16:3e:00:00:01 10.0.0.3\n"
	onLink, viaRouter := []byte{32, 169, 254, 169, 254, 0, 0, 0, 0}, []byte{0, 10, 0, 0, 1}
	router := "\nport r blue peer ra\nneighbour blue 10.0.0.1 fa:16:3e:00:00:09 r"
	machine := "\nport m blue\nneighbour blue 10.0.0.1 fa:16:3e:00:00:09 m"
	for name, c := range map[string]struct {
		topology string
		want     []byte
	}{
		"no gateway":                {"host h1 metadata\ndhcp s1 blue 10.0.0.0/24 server=10.0.0.2", onLink},
		"nobody has the gateway":    {"host h1 metadata\ndhcp s1 blue 10.0.0.0/24 server=10.0.0.1 router=10.0.0.1", append(slices.Clone(onLink), viaRouter...)},
		"a machine has the gateway": {"host h1 metadata\ndhcp s1 blue 10.0.0.0/24 server=10.0.0.1 router=10.0.0.1" + machine, append(slices.Clone(onLink), viaRouter...)},
		"a router has the gateway":  {"host h1 metadata\ndhcp s1 blue 10.0.0.0/24 server=10.0.0.1 router=10.0.0.1" + router, nil},
		"a route of the subnet's":   {"host h1 metadata\ndhcp s1 blue 10.0.0.0/24 server=10.0.0.2 route=169.254.169.254/32>10.0.0.2", []byte{32, 169, 254, 169, 254, 10, 0, 0, 2}},
		"no service":                {"host h1\ndhcp s1 blue 10.0.0.0/24 server=10.0.0.2", nil},
		"a service elsewhere":       {"host h1\nhost h2 metadata\ndhcp s1 blue 10.0.0.0/24 server=10.0.0.2", nil},
	} {
		question := discover(t, dhcpv4.WithRequestedOptions(dhcpv4.OptionClasslessStaticRoute))
		reply, _ := answerOf(t, viewtest.View(subnet+c.topology), question)
		if got := reply.Options.Get(dhcpv4.OptionClasslessStaticRoute); !slices.Equal(got, c.want) {
			t.Errorf("%s: routes % x, want % x", name, got, c.want)
		}
	}
}
