package dhcp6

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"

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
port vm3 blue key 13
dhcp s4 blue 10.0.0.0/24 router=10.0.0.1 server=10.0.0.2
dhcp s6 blue fd00:1::/64 router=fd00:1::1 dns=9.9.9.9,2620:fe::fe domain=cloud.example mode=stateful lease=1000
dhcp sl blue fd00:2::/64 router=fd00:2::1 dns=2620:fe::9 mode=stateless
dhcp sa blue fd00:3::/64 router=fd00:3::1 mode=slaac
reserve s4 blue vm1 fa:16:3e:00:00:01 10.0.0.3
reserve s6 blue vm1 fa:16:3e:00:00:01 fd00:1::3
reserve sl blue vm2 fa:16:3e:00:00:02 fd00:2::f816:3eff:fe00:2
reserve sa blue vm3 fa:16:3e:00:00:03 fd00:3::f816:3eff:fe00:3
`

var (
	vm1     = mac.MustParse("fa:16:3e:00:00:01")
	vm2     = mac.MustParse("fa:16:3e:00:00:02")
	leased1 = net.ParseIP("fd00:1::3")
)

func send(port string, hw mac.Addr, m *dhcpv6.Message) (sim.Response, bool) {
	return sendTo(cloud, port, hw, m)
}

func sendTo(cloud, port string, hw mac.Addr, m *dhcpv6.Message) (sim.Response, bool) {
	src, dst := netip.AddrPortFrom(packet.LinkLocal(hw), clientPort), netip.AddrPortFrom(allServers, serverPort)
	frame := packet.WrapUDP(hw, mac.MustParse("33:33:00:01:00:02"), src, dst, m.ToBytes())
	return Responder{}.Respond(viewtest.View(cloud), sim.Input{InPort: viewtest.ID[topology.Port](port), Frame: frame})
}

// answerTo returns the answer to vm1's message, read from its frame.
func answerTo(t *testing.T, m *dhcpv6.Message) *dhcpv6.Message {
	t.Helper()
	return answerFor(t, "vm1", vm1, m)
}

func answerFor(t *testing.T, port string, hw mac.Addr, m *dhcpv6.Message) *dhcpv6.Message {
	t.Helper()
	r, taken := send(port, hw, m)
	if !taken || len(r.Frames) != 1 {
		t.Fatalf("taken %v, %d answers: %s", taken, len(r.Frames), r.Step.Text)
	}
	var p packet.Packet
	if err := packet.Parse(r.Frames[0], &p); err != nil {
		t.Fatal(err)
	}
	if p.SrcMAC != view.DHCPServerMAC || p.DstMAC != hw || p.DstIP != packet.LinkLocal(hw) || p.SrcPort != 547 || p.DstPort != 546 {
		t.Errorf("sent as %+v", p.Header)
	}
	reply, err := dhcpv6.MessageFromBytes(p.Data())
	if err != nil {
		t.Fatal(err)
	}
	if reply.TransactionID != m.TransactionID || reply.Options.ServerID() == nil {
		t.Errorf("wrong identifiers: %s", reply)
	}
	if id := m.Options.ClientID(); id != nil && !id.Equal(reply.Options.ClientID()) {
		t.Errorf("the client is %s, want %s", reply.Options.ClientID(), id)
	}
	return reply
}

func silent(t *testing.T, m *dhcpv6.Message) {
	t.Helper()
	if r, taken := send("vm1", vm1, m); !taken || len(r.Frames) > 0 {
		t.Errorf("%s: taken %v with %d answers, want it taken and not answered", m.Summary(), taken, len(r.Frames))
	}
}

func solicit(t *testing.T, hw mac.Addr, with ...dhcpv6.Modifier) *dhcpv6.Message {
	t.Helper()
	m, err := dhcpv6.NewSolicit(net.HardwareAddr(hw[:]), with...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// request returns the client's REQUEST after vm1's SOLICIT has been answered.
func request(t *testing.T) *dhcpv6.Message {
	t.Helper()
	m, err := dhcpv6.NewRequestFromAdvertise(answerTo(t, solicit(t, vm1)))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// as returns the message made into another kind, with its addresses replaced where any are given.
func as(m *dhcpv6.Message, kind dhcpv6.MessageType, addresses ...string) *dhcpv6.Message {
	m.MessageType = kind
	if kind == dhcpv6.MessageTypeConfirm || kind == dhcpv6.MessageTypeRebind {
		m.Options.Del(dhcpv6.OptionServerID)
	}
	ia := m.Options.OneIANA()
	if len(addresses) > 0 {
		ia.Options.Del(dhcpv6.OptionIAAddr)
	}
	for _, a := range addresses {
		ia.Options.Add(&dhcpv6.OptIAAddress{IPv6Addr: net.ParseIP(a)})
	}
	return m
}

func checkLease(t *testing.T, reply *dhcpv6.Message) {
	t.Helper()
	ia := reply.Options.OneIANA()
	if ia == nil || len(ia.Options.Addresses()) != 1 || ia.Options.Status() != nil {
		t.Fatalf("want one address: %s", reply)
	}
	a := ia.Options.OneAddress()
	if !a.IPv6Addr.Equal(leased1) || a.ValidLifetime != 1000*time.Second || a.PreferredLifetime != 1000*time.Second ||
		ia.T1 != 500*time.Second || ia.T2 != 800*time.Second {
		t.Errorf("leased %s", ia)
	}
}

func checkConfiguration(t *testing.T, reply *dhcpv6.Message, resolver, domain string) {
	t.Helper()
	dns := reply.Options.DNS()
	if len(dns) != 1 || !dns[0].Equal(net.ParseIP(resolver)) {
		t.Errorf("resolvers %v, want %s", dns, resolver)
	}
	if search := reply.Options.DomainSearchList(); domain != "" && (search == nil || search.Labels[0] != domain) ||
		domain == "" && search != nil {
		t.Errorf("domains %v, want %q", search, domain)
	}
}

func TestFourMessages(t *testing.T) {
	asked := solicit(t, vm1)
	advertise := answerTo(t, asked)
	if advertise.MessageType != dhcpv6.MessageTypeAdvertise || advertise.Options.Preference() != 255 {
		t.Errorf("got %s", advertise)
	}
	if got := advertise.Options.OneIANA().IaId; got != asked.Options.OneIANA().IaId {
		t.Errorf("the association is %x", got)
	}
	checkLease(t, advertise)
	reply := answerTo(t, request(t))
	if reply.MessageType != dhcpv6.MessageTypeReply {
		t.Errorf("got %s", reply)
	}
	checkLease(t, reply)
	checkConfiguration(t, reply, "2620:fe::fe", "cloud.example")
}

func TestRapidCommit(t *testing.T) {
	reply := answerTo(t, solicit(t, vm1, dhcpv6.WithRapidCommit))
	if reply.MessageType != dhcpv6.MessageTypeReply || reply.GetOneOption(dhcpv6.OptionRapidCommit) == nil {
		t.Errorf("got %s", reply)
	}
	checkLease(t, reply)
}

func TestRenewAndRebind(t *testing.T) {
	for _, kind := range []dhcpv6.MessageType{dhcpv6.MessageTypeRenew, dhcpv6.MessageTypeRebind} {
		checkLease(t, answerTo(t, as(request(t), kind)))
		reply := answerTo(t, as(request(t), kind, "fd00:1::77"))
		addresses := reply.Options.OneIANA().Options.Addresses()
		if len(addresses) != 2 || !addresses[0].IPv6Addr.Equal(leased1) || addresses[0].ValidLifetime == 0 ||
			!addresses[1].IPv6Addr.Equal(net.ParseIP("fd00:1::77")) || addresses[1].ValidLifetime != 0 {
			t.Errorf("%s of an address that is not reserved: %s", kind, reply)
		}
	}
}

func TestStatuses(t *testing.T) {
	inside := func(reply *dhcpv6.Message) *dhcpv6.OptStatusCode { return reply.Options.OneIANA().Options.Status() }
	outside := func(reply *dhcpv6.Message) *dhcpv6.OptStatusCode { return reply.Options.Status() }
	for _, c := range []struct {
		name string
		sent *dhcpv6.Message
		at   func(*dhcpv6.Message) *dhcpv6.OptStatusCode
		want iana.StatusCode
	}{
		{"request of another link", as(request(t), dhcpv6.MessageTypeRequest, "fd00:9::1"), inside, iana.StatusNotOnLink},
		{"confirm", as(request(t), dhcpv6.MessageTypeConfirm), outside, iana.StatusSuccess},
		{"confirm of another link", as(request(t), dhcpv6.MessageTypeConfirm, "fd00:9::1"), outside, iana.StatusNotOnLink},
		{"release", as(request(t), dhcpv6.MessageTypeRelease), outside, iana.StatusSuccess},
		{"decline", as(request(t), dhcpv6.MessageTypeDecline), outside, iana.StatusSuccess},
		{"release of another's", as(request(t), dhcpv6.MessageTypeRelease, "fd00:1::4"), inside, iana.StatusNoBinding},
	} {
		if got := c.at(answerTo(t, c.sent)); got == nil || got.StatusCode != c.want {
			t.Errorf("%s: status %v, want %s", c.name, got, c.want)
		}
	}
	reply := answerFor(t, "vm2", vm2, solicit(t, vm2))
	if got := inside(reply); got == nil || got.StatusCode != iana.StatusNoAddrsAvail {
		t.Errorf("a solicit on a stateless subnet: status %v", got)
	}
}

// TestAssociationsShareTheLeases has a client that asks twice get its one address once.
func TestAssociationsShareTheLeases(t *testing.T) {
	m := solicit(t, vm1)
	m.AddOption(&dhcpv6.OptIANA{IaId: [4]byte{9}})
	m.AddOption(&dhcpv6.OptIAPD{IaId: [4]byte{8}})
	reply := answerTo(t, m)
	all := reply.Options.IANA()
	if len(all) != 2 || len(all[0].Options.Addresses()) != 1 || all[1].Options.Status().StatusCode != iana.StatusNoAddrsAvail {
		t.Errorf("associations %v", all)
	}
	if pd := reply.Options.OneIAPD(); pd == nil || pd.Options.Status().StatusCode != iana.StatusNoPrefixAvail {
		t.Errorf("prefix delegation %v", pd)
	}
}

func TestInformationRequest(t *testing.T) {
	m := solicit(t, vm2)
	m.MessageType = dhcpv6.MessageTypeInformationRequest
	m.Options.Del(dhcpv6.OptionIANA)
	checkConfiguration(t, answerFor(t, "vm2", vm2, m), "2620:fe::9", "")
	m.Options.Del(dhcpv6.OptionClientID)
	checkConfiguration(t, answerFor(t, "vm2", vm2, m), "2620:fe::9", "")
	m.Options.Del(dhcpv6.OptionORO)
	m.AddOption(dhcpv6.OptRequestedOption(dhcpv6.OptionDomainSearchList))
	if reply := answerFor(t, "vm2", vm2, m); len(reply.Options.DNS()) > 0 {
		t.Errorf("resolvers that nobody asked for: %s", reply)
	}
}

// TestDiscarded has the messages that RFC 8415 section 16 has a server discard.
func TestDiscarded(t *testing.T) {
	anonymous := solicit(t, vm1)
	anonymous.Options.Del(dhcpv6.OptionClientID)
	silent(t, anonymous)
	silent(t, solicit(t, vm1, dhcpv6.WithServerID(serverDUID())))
	silent(t, as(solicit(t, vm1), dhcpv6.MessageTypeRequest))
	other := request(t)
	other.UpdateOption(dhcpv6.OptServerID(&dhcpv6.DUIDLL{HWType: iana.HWTypeEthernet, LinkLayerAddr: vm2[:]}))
	silent(t, other)
	silent(t, as(solicit(t, vm1), dhcpv6.MessageTypeInformationRequest))
	silent(t, as(solicit(t, vm1), dhcpv6.MessageTypeConfirm))
	silent(t, as(solicit(t, vm1), dhcpv6.MessageTypeAdvertise))
}

func TestNotServed(t *testing.T) {
	for _, c := range []struct {
		port, hw string
	}{{"vm3", "fa:16:3e:00:00:03"}, {"vm2", "fa:16:3e:00:00:01"}, {"vm1", "fa:16:3e:00:00:09"}} {
		hw := mac.MustParse(c.hw)
		if _, taken := send(c.port, hw, solicit(t, hw)); taken {
			t.Errorf("a request of %s at %s was taken", c.hw, c.port)
		}
	}
}

// TestAnotherImplementation has gopacket read an answer, so that we do not only agree with the library that wrote it.
// TestSilentHosts: this one does not answer where it is among them.
func TestSilentHosts(t *testing.T) {
	for host, want := range map[string]bool{"h1": false, "h2": true} {
		if _, taken := sendTo(strings.ReplaceAll(cloud, "router=", "silent="+host+" router="), "vm1", vm1, solicit(t, vm1)); taken != want {
			t.Errorf("with %s silent: answered %v", host, taken)
		}
	}
}

func TestAnotherImplementation(t *testing.T) {
	r, _ := send("vm1", vm1, solicit(t, vm1))
	p := gopacket.NewPacket(r.Frames[0], layers.LayerTypeEthernet, gopacket.Default)
	m, ok := p.Layer(layers.LayerTypeDHCPv6).(*layers.DHCPv6)
	if !ok || p.ErrorLayer() != nil || m.MsgType != layers.DHCPv6MsgTypeAdvertise {
		t.Fatalf("no advertisement in %v", p)
	}
}

// FuzzRespond answers any message of any client: what is answered can be read, and names the message and the server.
func FuzzRespond(f *testing.F) {
	v := viewtest.View(cloud)
	for _, kind := range []dhcpv6.MessageType{dhcpv6.MessageTypeSolicit, dhcpv6.MessageTypeInformationRequest, dhcpv6.MessageTypeConfirm, dhcpv6.MessageTypeRebind} {
		m, err := dhcpv6.NewSolicit(net.HardwareAddr(vm1[:]), dhcpv6.WithRapidCommit)
		if err != nil {
			f.Fatal(err)
		}
		m.MessageType = kind
		f.Add("vm1", m.ToBytes())
		f.Add("vm2", m.ToBytes())
	}
	f.Fuzz(func(t *testing.T, port string, body []byte) {
		hw := vm1
		if port == "vm2" {
			hw = vm2
		}
		src, dst := netip.AddrPortFrom(packet.LinkLocal(hw), clientPort), netip.AddrPortFrom(allServers, serverPort)
		frame := packet.WrapUDP(hw, mac.MustParse("33:33:00:01:00:02"), src, dst, body)
		r, _ := Responder{}.Respond(v, sim.Input{InPort: viewtest.ID[topology.Port](port), Frame: frame})
		for _, answer := range r.Frames {
			var p packet.Packet
			if err := packet.Parse(answer, &p); err != nil {
				t.Fatal(err)
			}
			reply, err := dhcpv6.MessageFromBytes(p.Data())
			if err != nil {
				t.Fatal(err)
			}
			if reply.TransactionID != dhcpv6.TransactionID(body[1:4]) || reply.Options.ServerID() == nil {
				t.Errorf("%s is no answer to %x", reply, body)
			}
		}
	})
}
