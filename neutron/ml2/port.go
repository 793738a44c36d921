package ml2

import (
	"context"
	"math/rand/v2"
	"strings"

	"midonet.org/midonet/id"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/store"
)

// ports implements plugin.Resource.
type ports struct {
	*Plugin
	Reader[model.Port]
}

func (p ports) Create(ctx context.Context, c *auth.Caller, items []plugin.Body[model.Port]) ([]*model.Port, error) {
	return createAll(ctx, p.Plugin, c, items, (*request).createPort)
}

func (r *request) createPort(body plugin.Body[model.Port]) (*model.Port, error) {
	v := body.Value
	network, err := store.NetworkWithPlan(r.tx, v.NetworkID, ScopeOf(r.caller))
	if err != nil {
		return nil, store.NotFoundAs(err, networkNotFound(v.NetworkID.String()))
	}
	v.ID, v.Standard = id.New[model.Port](), r.standard(v.Standard)
	v.FixedIPs = []model.FixedIP{}
	v.ExtraDHCP = mergeOptions([]model.ExtraDHCPOpt{}, v.ExtraDHCP)
	v.PortSecurityEnabled = portSecurityOf(body, network)
	bind(&v)
	if err := checkProfile(v.Profile); err != nil {
		return nil, err
	}
	v.Status = r.firstStatus(&v)
	if err := r.nameNewPort(&v); err != nil {
		return nil, err
	}
	if err := r.mayGiveDevice(&v); err != nil {
		return nil, err
	}
	if err := r.insertPort(&v); err != nil {
		return nil, err
	}
	if err := store.AddTags(r.tx, v.ID.String(), v.Tags); err != nil {
		return nil, err
	}
	if err := r.addressNewPort(&v, body, network.Plan); err != nil {
		return nil, err
	}
	if err := r.secureNewPort(&v, body); err != nil {
		return nil, err
	}
	return &v, r.record(journal.Create, journal.Port, v.ID.String(), v.ProjectID, r.recordedPort(&v))
}

// macAttempts is how many generated addresses are tried before the network is taken to be full of them.
const macAttempts = 16

// insertPort stores the row of a new port with the MAC address that was asked for, or with one that no other port of the network
// has.
func (r *request) insertPort(p *model.Port) error {
	generated := p.MACAddress.IsZero()
	for range macAttempts {
		if generated {
			p.MACAddress = r.randomMAC()
		}
		err := store.InsertPort(r.tx, p)
		switch {
		case store.Violates(err, store.Reference):
			return networkNotFound(p.NetworkID.String())
		case !store.Violates(err, store.UniqueMAC):
			return err
		case !generated:
			return macInUse(p.NetworkID, p.MACAddress)
		}
	}
	return noMACLeft(p.NetworkID)
}

// randomMAC returns an address that begins with base_mac: its first four octets where the fourth is not zero, else the first three
// (neutron_lib/utils/net.py, random_mac_generator).
func (p *Plugin) randomMAC() mac.Addr {
	a, n := p.cfg.BaseMAC, rand.Uint32()
	a[4], a[5] = byte(n), byte(n>>8)
	if a[3] == 0 {
		a[3] = byte(n >> 16)
	}
	return a
}

func (r *request) addressNewPort(p *model.Port, body plugin.Body[model.Port], all []*model.Subnet) error {
	plan, err := subnetsFor(p, all)
	if err != nil {
		return err
	}
	asked := body.Has("fixed_ips") && body.Value.FixedIPs != nil
	if !asked {
		return r.allocate(p, append(wantsByDefault(plan), automatic(p, plan)...))
	}
	if len(body.Value.FixedIPs) == 0 {
		return r.allocate(p, automatic(p, plan))
	}
	if err := r.checkCount(body.Value.FixedIPs); err != nil {
		return err
	}
	wants, err := r.wantsByRequest(p, body.Value.FixedIPs, plan)
	if err != nil {
		return err
	}
	return r.allocate(p, append(wants, automatic(p, plan, subnetsOf(wants)...)...))
}

// subnetsOf returns the subnets of wants that name their address.
func subnetsOf(wants []want) []model.SubnetID {
	var ids []model.SubnetID
	for _, w := range wants {
		if w.address.IsValid() {
			ids = append(ids, w.subnets[0].ID)
		}
	}
	return ids
}

func (p ports) Delete(ctx context.Context, c *auth.Caller, portID string) error {
	return p.change(ctx, c, func(r *request) error {
		found, err := r.changeablePort(portID)
		if err != nil {
			return err
		}
		if err := r.mayDeletePort(found); err != nil {
			return err
		}
		return r.removePort(found)
	})
}

// changeablePort returns a port that the caller sees, its own or one on its network, and locks it. Whether the caller may change it
// was asked before.
func (r *request) changeablePort(portID string) (*model.Port, error) {
	if err := store.LockPort(r.tx, portID); err != nil {
		return nil, err
	}
	p, err := store.Port(r.tx, portID, ScopeOf(r.caller))
	if err != nil {
		return nil, store.NotFoundAs(err, portNotFound(portID))
	}
	return p, nil
}

// savePort stores a port that has changed and tells the backend.
func (r *request) savePort(p *model.Port) error {
	was := p.Status
	if r.backend != nil && was != model.StatusNotApplicable {
		p.Status = statusWhenBound(p)
	}
	p.UpdatedAt = r.now
	if err := store.UpdatePort(r.tx, p); err != nil {
		if store.Violates(err, store.UniqueMAC) {
			return macInUse(p.NetworkID, p.MACAddress)
		}
		return err
	}
	if p.Status != was {
		if err := r.tellNovaStatus(r.tx, p.ID.String(), p.Status, r.now); err != nil {
			return err
		}
	}
	return r.record(journal.Update, journal.Port, p.ID.String(), p.ProjectID, r.recordedPort(p))
}

// removePort removes a locked port. Services are told of one that something of theirs refers to, which the database finds out.
func (r *request) removePort(p *model.Port) error {
	err := store.DeletePort(r.tx, p)
	if store.Violates(err, store.Reference) {
		if err = r.portGoes(p); err == nil {
			err = store.DeletePort(r.tx, p)
		}
	}
	if err != nil {
		return store.NotFoundAs(err, portNotFound(p.ID.String()))
	}
	if err := r.tellNovaChange(p, vifDeleted); err != nil {
		return err
	}
	return r.record(journal.Delete, journal.Port, p.ID.String(), p.ProjectID, nil)
}

// ownedByNetwork reports whether a part of the network service itself uses the port.
func ownedByNetwork(p *model.Port) bool { return strings.HasPrefix(p.DeviceOwner, "network:") }
