package ml2

import (
	"errors"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/store"
)

// makeExternal makes a network external or not, which it was not before. The default is made so by a request of its own.
func makeExternal(n *model.Network, external bool) {
	n.External, n.IsDefault = external, nil
	if external {
		n.IsDefault = new(bool)
	}
}

// checkDefault refuses a network that is to be the default external one and is not external, where there is such a default already: as in
// the original, which without one answers as if it had become the default (_ensure_external_network_default_value_callback). That there is
// one among the external networks the database sees to.
func (r *request) checkDefault(n *model.Network) error {
	if n.External || n.IsDefault == nil || !*n.IsDefault {
		return nil
	}
	existing, err := store.DefaultExternalNetwork(r.tx)
	if errors.Is(err, store.ErrNotFound) || err == nil && existing == n.ID {
		return nil
	}
	if err != nil {
		return err
	}
	return defaultNetworkExists(existing)
}

// onlyDefault gives a network that cannot be stored because another is the default its fault.
func (r *request) onlyDefault(err error) error {
	if !store.Violates(err, store.UniqueDefaultNetwork) {
		return err
	}
	existing, err := store.DefaultExternalNetwork(r.tx)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return store.ErrStale // it went away meanwhile
	case err != nil:
		return err
	}
	return defaultNetworkExists(existing)
}

func defaultNetworkExists(network model.NetworkID) error {
	return errs.New(errs.Conflict, "DefaultExternalNetworkExists", "A default external network already exists: %s.", network)
}
