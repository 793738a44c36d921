package translate

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"midonet.org/midonet/mac"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/topology"
)

// simulation keeps what incremental rendering has come to, as an importer would.
type simulation struct {
	set    *Set
	stored map[topology.Key]topology.Object
}

func newSimulation() *simulation {
	return &simulation{set: NewSet(DefaultSettings()), stored: map[topology.Key]topology.Object{}}
}

// apply makes the change, renders the owners that it touches, and compares the whole with a full rendering.
func (s *simulation) apply(c Change) error {
	now := After(s.set, c)
	owners := Owners(s.set, now, c.Owner)
	for _, o := range owners {
		for _, object := range Render(s.set, o) {
			delete(s.stored, object.Key())
		}
	}
	for _, o := range owners {
		for _, object := range Render(now, o) {
			s.stored[object.Key()] = object
		}
	}
	s.set.Apply(c)
	return s.check()
}

// check says how the incremental state differs from a full rendering.
func (s *simulation) check() error {
	full := map[topology.Key]topology.Object{}
	for _, o := range All(s.set) {
		if full[o.Key()] != nil {
			return fmt.Errorf("two objects with the key %v", o.Key())
		}
		full[o.Key()] = o
	}
	if diff := cmp.Diff(full, s.stored, values, cmpopts.EquateEmpty()); diff != "" {
		return fmt.Errorf("incremental differs from full (-full +incremental):\n%s", diff)
	}
	return nil
}

var values = cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{})

func TestIncrementalEqualsFull(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newSimulation()
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			if err := s.apply(anyChange(t)); err != nil {
				t.Fatal(err)
			}
		}
		for _, o := range rapid.Permutation(s.set.Owners()).Draw(t, "order of deletion") {
			if err := s.apply(Deletion(o)); err != nil {
				t.Fatal(err)
			}
		}
		if len(s.stored) != 0 || len(s.set.members) != 0 {
			t.Fatalf("after everything is deleted there remain %v, members %v", s.stored, s.set.members)
		}
	})
}

func TestOrderOfArrivalDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		latest := map[Owner]Change{} // one state of each object; the journal keeps the order of one object's changes
		for range rapid.IntRange(1, 20).Draw(t, "objects") {
			c := anyChange(t)
			latest[c.Owner] = c
		}
		var changes []Change
		for _, o := range owners {
			if c, ok := latest[o]; ok {
				changes = append(changes, c)
			}
		}
		forward, shuffled := newSimulation(), newSimulation()
		for _, c := range changes {
			forward.apply(c)
		}
		for _, c := range rapid.Permutation(changes).Draw(t, "order") {
			shuffled.apply(c)
		}
		if diff := cmp.Diff(forward.stored, shuffled.stored, values); diff != "" {
			t.Fatalf("another order gives another topology:\n%s", diff)
		}
	})
}

// owners is the small world of the properties: few enough that changes meet.
var owners = func() []Owner {
	var all []Owner
	for i := range byte(3) {
		all = append(all, Owner{Network, [16]byte{1, i}}, Owner{Subnet, [16]byte{2, i}})
	}
	for i := range byte(6) {
		all = append(all, Owner{Port, [16]byte{3, i}})
	}
	return all
}()

func anyChange(t *rapid.T) Change {
	o := rapid.SampledFrom(owners).Draw(t, "owner")
	if rapid.IntRange(0, 3).Draw(t, "delete") == 0 {
		return Deletion(o)
	}
	c := Change{Owner: o}
	network := model.NetworkID{1, byte(rapid.IntRange(0, 2).Draw(t, "network"))}
	switch o.Resource {
	case Network:
		c.Network = anyNetwork(t, o.ID)
	case Subnet:
		c.Subnet = anySubnet(t, o.ID, network)
	case Port:
		c.Port = anyPort(t, o.ID, network)
	}
	return c
}

func anyNetwork(t *rapid.T, n model.NetworkID) *model.Network {
	return &model.Network{
		ID:           n,
		Name:         rapid.SampledFrom([]string{"a", "b"}).Draw(t, "name"),
		AdminStateUp: rapid.Bool().Draw(t, "up"),
		MTU:          rapid.SampledFrom([]int{1450, 9000}).Draw(t, "mtu"),
		NetworkType:  rapid.SampledFrom([]string{"midonet", "midonet", "uplink"}).Draw(t, "type"),
	}
}

func anySubnet(t *rapid.T, s model.SubnetID, network model.NetworkID) *model.Subnet {
	subnet := &model.Subnet{ID: s, NetworkID: network, IPVersion: 4, CIDR: netip.MustParsePrefix("10.0.0.0/24"),
		EnableDHCP: rapid.Bool().Draw(t, "dhcp")}
	if rapid.Bool().Draw(t, "gateway") {
		subnet.GatewayIP = netip.MustParseAddr("10.0.0.1")
	}
	if rapid.Bool().Draw(t, "route") {
		subnet.HostRoutes = []model.HostRoute{{Destination: netip.MustParsePrefix("192.168.0.0/16"), NextHop: netip.MustParseAddr("10.0.0.9")}}
	}
	return subnet
}

func anyPort(t *rapid.T, p model.PortID, network model.NetworkID) *model.Port {
	port := &model.Port{ID: p, NetworkID: network, AdminStateUp: rapid.Bool().Draw(t, "up"),
		MACAddress:  mac.Addr{2, 0, 0, 0, 0, byte(rapid.IntRange(0, 3).Draw(t, "mac"))},
		DeviceOwner: rapid.SampledFrom([]string{"", "compute:nova", ownerDHCP, ownerFloatingIP, "network:router_interface"}).Draw(t, "owner")}
	for i := range rapid.IntRange(0, 3).Draw(t, "addresses") {
		addr := netip.AddrFrom4([4]byte{10, 0, 0, byte(rapid.IntRange(2, 5).Draw(t, "addr"))})
		if rapid.Bool().Draw(t, "v6") {
			addr = netip.AddrFrom16([16]byte{0: 0xfd, 15: byte(i)})
		}
		ip := model.FixedIP{SubnetID: model.SubnetID{2, byte(i)}, IPAddress: addr}
		port.FixedIPs = append(port.FixedIPs, ip)
	}
	return port
}
