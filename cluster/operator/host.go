package operator

import (
	"midonet.org/midonet/errs"
	"midonet.org/midonet/topology"
)

// CreateHost makes a host known that has never been here. Its agent, when it comes, says the rest of it; no two hosts have one name.
func (e *Edit) CreateHost(h *topology.Host) error {
	for o := range e.State.ByKind(topology.KindHost) {
		if other := o.(*topology.Host); h.Name != "" && other.Name == h.Name && other.ID != h.ID {
			return errs.New(errs.Conflict, "HostNameTaken", "Host %s has the name %s already.", other.ID, h.Name)
		}
	}
	return e.create(h)
}
