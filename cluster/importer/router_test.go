package importer

import (
	"net/netip"
	"testing"

	"midonet.org/midonet/cluster/translate"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/topology"
)

var (
	router   = &model.Router{ID: model.RouterID{4}, Name: "edge"}
	group    = &model.SecurityGroup{ID: model.SecurityGroupID{5}, Name: "web", Stateful: true}
	rule     = &model.SecurityGroupRule{ID: model.SecurityGroupRuleID{6}, SecurityGroupID: group.ID, Direction: model.Ingress}
	floating = &model.FloatingIP{ID: model.FloatingIPID{7}, FloatingNetworkID: network(0).ID, RouterID: router.ID,
		FloatingIPAddress: netip.MustParseAddr("10.0.9.9")}
)

// gateway is port n as the router's gateway.
func gateway(n uint16) *model.Port {
	p := port(n, network(0).ID)
	p.DeviceOwner, p.DeviceID = model.OwnerRouterGateway, router.ID.String()
	return p
}

func TestTasksOfRoutersAndGroups(t *testing.T) {
	b := newBench(t)
	b.journal.append(journal.Create, journal.FloatingIP, floating.ID.String(), encode(floating))
	b.journal.append(journal.Create, journal.Router, router.ID.String(), encode(router))
	b.journal.append(journal.Create, journal.SecurityGroupRule, rule.ID.String(), encode(rule))
	b.journal.append(journal.Create, journal.SecurityGroup, group.ID.String(), encode(group))
	b.journal.putNetwork(network(0))
	b.journal.putSubnet(subnet(0, network(0).ID))
	b.journal.putPort(gateway(1))
	b.drain()
	for kind, want := range map[topology.Kind]int{topology.KindRouter: 1, topology.KindPort: 2, topology.KindChain: 9,
		topology.KindAddrGroup: 1, topology.KindRoute: 3, topology.KindNeighbour: 2} {
		if got := b.count(kind); got != want {
			t.Errorf("%d objects of kind %v, want %d", got, kind, want)
		}
	}
	b.restart()
	if got := b.importer.Status().Repaired; got != 0 {
		t.Errorf("a restart repaired %d objects", got)
	}
}

// TestTunnelKeysAreOfExteriorPorts: a port that becomes a router's gives its key back, and gets another when it is a workload's again.
func TestTunnelKeysAreOfExteriorPorts(t *testing.T) {
	b := newBench(t)
	b.journal.putNetwork(network(0))
	b.journal.putPort(port(1, network(0).ID))
	b.drain()
	if b.count(topology.KindTunnelKey) != 1 || b.topologyPort(1).TunnelKey == 0 {
		t.Fatal("a workload's port has no tunnel key")
	}
	b.journal.putPort(gateway(1))
	b.drain()
	if b.count(topology.KindTunnelKey) != 0 || b.topologyPort(1).TunnelKey != 0 || len(b.state.keys.byPort) != 0 {
		t.Errorf("a router's port has a tunnel key: %+v, %v", b.topologyPort(1), b.state.keys.byPort)
	}
	b.restart()
	b.journal.putPort(port(1, network(0).ID))
	b.drain()
	if b.count(topology.KindTunnelKey) != 1 || b.topologyPort(1).TunnelKey == 0 {
		t.Error("a workload's port, once a router's, has no tunnel key")
	}
}

func TestARequestMayNameWhatItMakes(t *testing.T) {
	b := emptyBench(t)
	i := fed(t, b.store)
	put := func(r translate.Resource, id [16]byte, object any) Write {
		return Write{Owner: translate.Owner{Resource: r, ID: id}, Verb: Create, JSON: encode(object)}
	}
	inGroup, ofGroup := put(translate.SecurityGroupRule, rule.ID, rule), put(translate.SecurityGroup, group.ID, group)
	wantKind(t, apply(t, i, inGroup), errs.NotFound)
	wantKind(t, apply(t, i, put(translate.FloatingIP, floating.ID, floating)), errs.NotFound)
	if err := apply(t, i, ofGroup, inGroup); err != nil {
		t.Errorf("a group with its rule: %v", err)
	}
	if n := b.count(topology.KindChain); n != 2 {
		t.Errorf("%d chains, want 2", n)
	}
}
