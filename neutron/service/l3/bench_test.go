package l3

import (
	"fmt"
	"testing"

	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
)

// BenchmarkRouter creates a router with a gateway, plugs it into a network, gives a port there a floating address, and takes all that
// away again, where the networks have few other ports and where they have many.
func BenchmarkRouter(b *testing.B) {
	for _, ports := range []int{0, 10_000} {
		b.Run(fmt.Sprintf("ports=%d", ports), func(b *testing.B) {
			f := newFixture(b)
			ext, inside := f.external(), f.network(alice)
			f.subnet(admin, ext, "172.16.0.0/12")
			s := f.subnet(alice, inside, "10.0.0.0/12")
			vm := f.port(alice, inside)
			f.fill(inside, ports)
			for b.Loop() {
				r := f.router(alice, ext)
				f.plug(alice, r, s)
				fip := f.floating(alice, ext, vm)
				if err := f.FloatingIPs().Delete(ctx, alice, fip.ID.String()); err != nil {
					b.Fatal(err)
				}
				if _, err := f.RemoveInterface(ctx, alice, r.ID.String(), bySubnet(s)); err != nil {
					b.Fatal(err)
				}
				if err := f.Routers().Delete(ctx, alice, r.ID.String()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// fill puts ports on a network.
func (f *fixture) fill(n *model.Network, ports int) {
	f.t.Helper()
	const bulk = 500
	for made := 0; made < ports; made += bulk {
		items := make([]plugin.Body[model.Port], bulk)
		for i := range items {
			items[i] = body(model.Port{NetworkID: n.ID, AdminStateUp: true}, "network_id")
		}
		if _, err := f.core.Ports().Create(ctx, alice, items); err != nil {
			f.t.Fatal(err)
		}
	}
}
