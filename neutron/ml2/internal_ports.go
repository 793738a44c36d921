package ml2

import (
	"context"

	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/quota"
	"midonet.org/midonet/neutron/store"
)

// Service is a service plugin that has ports of its own, or resources that depend on others' ports. Its methods are called within the
// transaction of the core plugin's change, which fails where they do.
type Service interface {
	// MayGiveDevice refuses a device that a client gives a port, new or changed.
	MayGiveDevice(s *Session, p *model.Port) error
	// MayDeletePort refuses the deletion of a port that a client asks for.
	MayDeletePort(s *Session, p *model.Port) error
	// PortChanged follows a port's change.
	PortChanged(s *Session, was, is *model.Port) error
	// PortGoes lets go of a port that is about to be deleted, whoever asks for it, and that a row of a service refers to (store.Reference).
	PortGoes(s *Session, p *model.Port) error
	// NetworkGoes lets go of a network that is about to be deleted, if no one uses it.
	NetworkGoes(s *Session, network model.NetworkID) error
	// Contents returns one Create task for each of the service's resources.
	Contents(q store.Querier) ([]journal.Task, error)
	// TakeBack removes a resource of the service that the backend refused to make, and gives the status ERROR to one that it refused to
	// change. What is gone meanwhile is no error. Tasks of others' resources mean nothing to it.
	TakeBack(s *Session, t journal.Task) error
}

// Attach has a service plugin take part in changes. It is called before the first request.
func (p *Plugin) Attach(s Service) { p.services = append(p.services, s) }

// Session is the core plugin at work in one transaction, for service plugins: the transaction, who asks, what is made in the caller's name,
// and the ports that the service makes for its own ends, which no policy or quota limits.
type Session struct{ r *request }

// Change runs fn in a transaction.
func (p *Plugin) Change(ctx context.Context, c *auth.Caller, fn func(*Session) error) error {
	return p.change(ctx, c, func(r *request) error { return fn(&Session{r}) })
}

// Tx returns the transaction.
func (s *Session) Tx() *store.Tx { return s.r.tx }

// Caller returns who asks.
func (s *Session) Caller() *auth.Caller { return s.r.caller }

// Scope returns whose eyes the caller looks with.
func (s *Session) Scope() store.Scope { return ScopeOf(s.r.caller) }

// Now returns the time of the change.
func (s *Session) Now() model.Time { return s.r.now }

// Standard returns the attributes that every new resource has.
func (s *Session) Standard(given model.Standard) model.Standard { return s.r.standard(given) }

// Record appends the task that tells the backend of a change; value is the resource as it is now, nil where it was deleted.
func (s *Session) Record(what journal.Type, of journal.DataType, resourceID, projectID string, value any) error {
	return s.r.record(what, of, resourceID, projectID, value)
}

// Elsewhere reports whether the backend is a MidoNet elsewhere, which is told of routers as the original's plugin tells it.
func (s *Session) Elsewhere() bool { return s.r.backend != nil }

// Needs refuses what an extension of the API asks of a backend that lacks it.
func (s *Session) Needs(extension string) error {
	if s.r.backend == nil {
		return nil
	}
	return s.r.backend.Needs(extension)
}

// Network returns a network that the caller sees, or NetworkNotFound.
func (s *Session) Network(networkID string) (*model.Network, error) {
	n, err := store.Network(s.r.tx, networkID, s.Scope())
	return n, store.NotFoundAs(err, networkNotFound(networkID))
}

// Subnet returns a subnet that the caller sees, or SubnetNotFound.
func (s *Session) Subnet(subnetID string) (*model.Subnet, error) {
	n, err := store.Subnet(s.r.tx, subnetID, s.Scope())
	return n, store.NotFoundAs(err, subnetNotFound(subnetID))
}

// Port returns a port that the caller sees, locked, or PortNotFound.
func (s *Session) Port(portID string) (*model.Port, error) { return s.r.changeablePort(portID) }

// CreateNetwork makes a network as the caller does, if the project's quota allows it.
func (s *Session) CreateNetwork(body plugin.Body[model.Network]) (*model.Network, error) {
	return createOne(s.r, body, s.r.createNetwork)
}

// CreateSubnet makes a subnet as the caller does, if the project's quota allows it.
func (s *Session) CreateSubnet(body plugin.Body[model.Subnet]) (*model.Subnet, error) {
	return createOne(s.r, body, s.r.createSubnet)
}

func createOne[T any](r *request, body plugin.Body[T], create func(plugin.Body[T]) (*T, error)) (*T, error) {
	made, err := quota.Create(r.cfg.Quotas, r.tx, r.caller, []plugin.Body[T]{body}, create)
	if err != nil {
		return nil, err
	}
	return made[0], nil
}

// DeleteNetwork removes a network as the caller does.
func (s *Session) DeleteNetwork(network model.NetworkID) error {
	return s.r.deleteNetwork(network.String())
}

// CreatePort makes a port of the service's own, whoever asks.
func (s *Session) CreatePort(body plugin.Body[model.Port]) (*model.Port, error) {
	return s.elevated().createPort(body)
}

// UpdatePort changes a port in the service's name.
func (s *Session) UpdatePort(port model.PortID, body plugin.Body[model.Port]) (*model.Port, error) {
	return s.elevated().updatePort(port.String(), body)
}

// DeletePort removes a port in the service's name.
func (s *Session) DeletePort(port model.PortID) error {
	r := s.elevated()
	found, err := r.changeablePort(port.String())
	if err != nil {
		return err
	}
	return r.removePort(found)
}

// elevated is the request made by the service: it sees everything, and owns nothing.
func (s *Session) elevated() *request {
	r := *s.r
	r.caller, r.byService = &auth.Caller{RequestID: s.r.caller.RequestID, Admin: true}, true
	return &r
}

// mayGiveDevice asks the services whether a client may give the port its device.
func (r *request) mayGiveDevice(p *model.Port) error {
	return r.ask(func(s Service) error { return s.MayGiveDevice(&Session{r}, p) })
}

// mayDeletePort asks the services whether a client may delete the port.
func (r *request) mayDeletePort(p *model.Port) error {
	return r.ask(func(s Service) error { return s.MayDeletePort(&Session{r}, p) })
}

// ask asks every service; what a service does itself needs no one's leave.
func (r *request) ask(question func(Service) error) error {
	if r.byService {
		return nil
	}
	return r.tell(question)
}

// tell tells every service.
func (r *request) tell(what func(Service) error) error {
	for _, s := range r.services {
		if err := what(s); err != nil {
			return err
		}
	}
	return nil
}

func (r *request) portChanged(was, is *model.Port) error {
	return r.tell(func(s Service) error { return s.PortChanged(&Session{r}, was, is) })
}

func (r *request) portGoes(p *model.Port) error {
	return r.tell(func(s Service) error { return s.PortGoes(&Session{r}, p) })
}

func (r *request) networkGoes(network model.NetworkID) error {
	return r.tell(func(s Service) error { return s.NetworkGoes(&Session{r}, network) })
}

// firstStatus is that of a new port, whose binding is known. That of a floating address is no interface that could be up
// (PORT_STATUS_NOTAPPLICABLE).
func (r *request) firstStatus(p *model.Port) model.Status {
	if r.byService && p.DeviceOwner == model.OwnerFloatingIP {
		return model.StatusNotApplicable
	}
	if r.backend != nil {
		return statusWhenBound(p)
	}
	return model.StatusDown
}
