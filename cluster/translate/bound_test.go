package translate

import (
	"encoding/binary"
	"fmt"
	"iter"
	"maps"
	"net/netip"
	"slices"
	"testing"

	"midonet.org/midonet/mac"
	"midonet.org/midonet/neutron/model"
)

// crowd is a cloud in which everything meets: a network with a router's interface, on which all workloads are, in one group whose rule
// names it, each with a floating address; and as many other routers with gateways on the external network.
type crowd struct {
	set     *Set
	router  model.RouterID
	inside  model.NetworkID
	outside model.NetworkID
	group   model.SecurityGroupID
}

// numbered returns the identifier of the n-th object of a kind.
func numbered(kind byte, n int) (id [16]byte) {
	id[0] = kind
	binary.BigEndian.PutUint32(id[12:], uint32(n+1))
	return id
}

// at returns the n-th address of the range that begins with the octet.
func at(octet byte, n int) netip.Addr {
	return netip.AddrFrom4([4]byte{octet, byte(n >> 16), byte(n >> 8), byte(n)})
}

func newCrowd(size int) *crowd {
	c := &crowd{set: NewSet(DefaultSettings()), router: numbered('r', 0), inside: numbered('n', 0), outside: numbered('n', 1),
		group: numbered('g', 0)}
	c.put(Network, &model.Network{ID: c.inside, NetworkType: "midonet"}, c.inside)
	c.put(Network, &model.Network{ID: c.outside, NetworkType: "midonet", External: true}, c.outside)
	c.subnet(numbered('s', 0), c.inside, 10)
	c.subnet(numbered('s', 1), c.outside, 20)
	c.put(SecurityGroup, &model.SecurityGroup{ID: c.group, Stateful: true}, c.group)
	c.apply(c.rule(0))
	c.put(Port, c.port('i', 0, c.inside, numbered('s', 0), 10, model.OwnerRouterInterface, c.router.String()), numbered('i', 0))
	for n := range size {
		r := model.RouterID(numbered('r', n))
		c.put(Router, &model.Router{ID: r, Gateway: &model.GatewayInfo{EnableSNAT: true}}, r)
		c.put(Port, c.port('G', n, c.outside, numbered('s', 1), 20, model.OwnerRouterGateway, r.String()), numbered('G', n))
		c.apply(c.workload(n, ""))
		c.apply(c.floating(n, n))
	}
	return c
}

func (c *crowd) apply(change Change) { c.set.Apply(change) }

func (c *crowd) put(r Resource, object any, id [16]byte) { c.apply(Change{Owner{r, id}, object}) }

func (c *crowd) subnet(id [16]byte, on model.NetworkID, octet byte) {
	c.put(Subnet, &model.Subnet{ID: id, NetworkID: on, IPVersion: 4, CIDR: netip.PrefixFrom(at(octet, 0), 8), GatewayIP: at(octet, 1)}, id)
}

func (c *crowd) port(kind byte, n int, on model.NetworkID, subnet model.SubnetID, octet byte, owner, device string) *model.Port {
	return &model.Port{ID: numbered(kind, n), NetworkID: on, DeviceOwner: owner, DeviceID: device, PortSecurityEnabled: true,
		MACAddress: mac.Addr{2, kind, 0, byte(n >> 16), byte(n >> 8), byte(n)},
		FixedIPs:   []model.FixedIP{{SubnetID: subnet, IPAddress: at(octet, n+1)}}}
}

func (c *crowd) workload(n int, name string) Change {
	p := c.port('w', n, c.inside, numbered('s', 0), 10, "compute:nova", "vm")
	p.FixedIPs[0].IPAddress = at(10, 1<<20+n)
	p.SecurityGroups, p.Name = []model.SecurityGroupID{c.group}, name
	return Change{Owner{Port, p.ID}, p}
}

// floating is the n-th floating address, for the given workload.
func (c *crowd) floating(n, workload int) Change {
	f := &model.FloatingIP{ID: numbered('f', n), FloatingNetworkID: c.outside, FloatingIPAddress: at(20, 1<<20+n), RouterID: c.router,
		PortID: numbered('w', workload), FixedIPAddress: at(10, 1<<20+workload)}
	return Change{Owner{FloatingIP, f.ID}, f}
}

func (c *crowd) rule(n int) Change {
	r := &model.SecurityGroupRule{ID: numbered('R', n), SecurityGroupID: c.group, Direction: model.Ingress, RemoteGroupID: &c.group}
	return Change{Owner{SecurityGroupRule, r.ID}, r}
}

// turned is the n-th rule as one of what members send.
func (c *crowd) turned(n int) Change {
	r := *c.rule(n).object.(*model.SecurityGroupRule)
	r.Direction = model.Egress
	return Change{Owner{SecurityGroupRule, r.ID}, &r}
}

// changes are those that a cloud sees every minute, to a crowd of the size.
func (c *crowd) changes(size int) map[string]Change {
	return map[string]Change{
		"a port is renamed":           c.workload(5, "renamed"),
		"a port comes":                c.workload(size, ""),
		"a port goes":                 Deletion(Owner{Port, numbered('w', 5)}),
		"a rule comes":                c.rule(1),
		"a rule goes":                 Deletion(Owner{SecurityGroupRule, numbered('R', 0)}),
		"a floating address comes":    c.floating(size, 5),
		"a floating address moves":    c.floating(5, 6),
		"a floating address goes":     Deletion(Owner{FloatingIP, numbered('f', 5)}),
		"a router comes":              {Owner{Router, numbered('r', size)}, &model.Router{ID: numbered('r', size)}},
		"another router's gateway":    Deletion(Owner{Port, numbered('G', 5)}),
		"a network is renamed":        {Owner{Network, c.inside}, &model.Network{ID: c.inside, NetworkType: "midonet", Name: "renamed"}},
		"a group is renamed":          {Owner{SecurityGroup, c.group}, &model.SecurityGroup{ID: c.group, Stateful: true, Name: "renamed"}},
		"a gateway is renamed":        c.renamedGateway(),
		"a DHCP port comes":           {Owner{Port, numbered('d', 0)}, c.port('d', 3, c.inside, numbered('s', 0), 10, model.OwnerDHCP, "dhcp")},
		"a subnet's resolvers change": c.resolvers(),
		"the router's own name changes": {Owner{Router, c.router}, &model.Router{ID: c.router, Name: "renamed",
			Gateway: &model.GatewayInfo{EnableSNAT: true}}},
	}
}

func (c *crowd) renamedGateway() Change {
	p := c.port('G', 0, c.outside, numbered('s', 1), 20, model.OwnerRouterGateway, c.router.String())
	p.Name = "renamed"
	return Change{Owner{Port, p.ID}, p}
}

func (c *crowd) resolvers() Change {
	s := *find(c.set, model.SubnetID(numbered('s', 0)))
	s.DNSNameservers = []netip.Addr{at(10, 53)}
	return Change{Owner{Subnet, s.ID}, &s}
}

// work makes the change as an importer does, but for the set, and returns how many objects are rendered for it.
func (c *crowd) work(change Change) (objects int) {
	now := After(c.set, change)
	for _, o := range Owners(c.set, now, change.Owner) {
		objects += len(Render(c.set, o)) + len(Render(now, o))
	}
	return objects
}

// TestAChangeTouchesWhatItConcerns: in a crowd of any size a change renders the same few objects.
func TestAChangeTouchesWhatItConcerns(t *testing.T) {
	small, large := newCrowd(20), newCrowd(10_000)
	inLarge := large.changes(10_000)
	for name, change := range small.changes(20) {
		few, many := small.work(change), large.work(inLarge[name])
		if few != many || few == 0 || few > 60 {
			t.Errorf("%s: %d objects are rendered in a crowd of 20, %d in one of 10000; want the same, 1 to 60", name, few, many)
		}
	}
}

// BenchmarkChange measures what a change costs before it is written, in time and in objects that are rendered for it, by the number of
// ports, floating addresses and routers that it meets.
func BenchmarkChange(b *testing.B) {
	for _, size := range []int{10, 1_000, 10_000, 100_000} {
		c := newCrowd(size)
		changes := c.changes(size)
		for _, name := range slices.Sorted(maps.Keys(changes)) {
			b.Run(fmt.Sprintf("%s/ports=%d", name, size), func(b *testing.B) {
				objects := 0
				for b.Loop() {
					objects = c.work(changes[name])
				}
				b.ReportMetric(float64(objects), "objects/op")
			})
		}
	}
}

// BenchmarkAll measures a full rendering.
func BenchmarkAll(b *testing.B) {
	c := newCrowd(100_000)
	for b.Loop() {
		All(c.set)
	}
}

// seen counts the objects that are looked at by their links.
type seen struct {
	View
	objects *int
}

func (s seen) linked(l link) iter.Seq2[[16]byte, any] {
	return func(yield func([16]byte, any) bool) {
		for i, o := range s.View.linked(l) {
			if *s.objects++; !yield(i, o) {
				return
			}
		}
	}
}

// rules are a crowd whose group has so many, of what members are sent.
func (c *crowd) rules(many int) *crowd {
	for n := range many {
		c.apply(c.rule(n))
	}
	return c
}

// differ makes of a rule's change what an importer makes.
func differ(before View, change Change) {
	now := After(before, change)
	for _, o := range Owners(before, now, change.Owner) {
		Differing(before, now, o, change.Owner)
	}
}

// TestARuleLooksAtItsPart: of a group of twenty thousand rules one that comes looks at those of its part, before and after.
func TestARuleLooksAtItsPart(t *testing.T) {
	const many = 20_000
	c, objects := newCrowd(1).rules(many), 0
	differ(seen{c.set, &objects}, c.rule(many))
	if most := 2 * many / maxParts * 3 / 2; objects < many/maxParts/2 || objects > most {
		t.Errorf("%d rules are looked at, want some %d", objects, 2*many/maxParts)
	}
}

// BenchmarkRule measures what a rule costs before it is written, by how many its group has.
func BenchmarkRule(b *testing.B) {
	for _, many := range []int{10, 400, 5_000, 20_000} {
		c := newCrowd(1).rules(many)
		b.Run(fmt.Sprintf("rules=%d", many), func(b *testing.B) {
			for b.Loop() {
				differ(c.set, c.rule(many))
			}
		})
	}
}
