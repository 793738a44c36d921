package worker

import (
	"strings"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/topology"
)

// Watch has all packets of a port of this host pass through its interface, where packet sockets see them, until unwatch is called
// once, and returns the interface. The port is called by its UUID, a prefix of it that no other port here has, or its name.
func (w *Worker) Watch(port string) (iface string, unwatch func(), err error) {
	w.changing.Lock()
	defer w.changing.Unlock()
	w.mu.Lock()
	id, err := w.watchable(port)
	if err == nil {
		iface = w.plugged[id].port.Interface
		w.watched[id]++
	}
	w.mu.Unlock()
	if err != nil {
		return "", nil, err
	}
	w.followPorts()
	return iface, func() { w.unwatch(id) }, nil
}

func (w *Worker) unwatch(id topology.PortID) {
	w.changing.Lock()
	defer w.changing.Unlock()
	w.mu.Lock()
	if w.watched[id]--; w.watched[id] == 0 {
		delete(w.watched, id)
	}
	w.mu.Unlock()
	w.followPorts()
}

// watchable returns the port that is called so, which must be plugged in here. The caller holds mu.
func (w *Worker) watchable(called string) (topology.PortID, error) {
	port, err := w.portCalled(called)
	if err != nil {
		return topology.PortID{}, err
	}
	at, bound := w.view.Location(port.ID)
	switch _, here := w.plugged[port.ID]; {
	case here:
		return port.ID, nil
	case bound && !at.Local:
		return port.ID, errs.New(errs.Conflict, "PortElsewhere", "port %s is on host %s; ask the agent there", port.ID, w.hostName(at.Host))
	case bound:
		return port.ID, errs.New(errs.Conflict, "PortNotPlugged", "the interface %s of port %s is not plugged in", at.Interface, port.ID)
	}
	return port.ID, errs.New(errs.Conflict, "PortUnbound", "port %s is not bound to a host", port.ID)
}

// portCalled finds a port among those that this host knows. A UUID or a name that is given whole wins over a prefix.
func (w *Worker) portCalled(called string) (*topology.Port, error) {
	var whole, begun []*topology.Port
	for o := range w.view.Objects() {
		p, ok := o.(*topology.Port)
		switch {
		case !ok || called == "":
		case p.ID.String() == called || p.Name == called:
			whole = append(whole, p)
		case strings.HasPrefix(p.ID.String(), called):
			begun = append(begun, p)
		}
	}
	if len(whole) == 0 {
		whole = begun
	}
	switch len(whole) {
	case 0:
		return nil, errs.New(errs.NotFound, "PortNotFound", "this host's networks have no port with the UUID or name %q", called)
	case 1:
		return whole[0], nil
	}
	return nil, errs.New(errs.Conflict, "PortAmbiguous", "%d ports are called %q; name one by its UUID", len(whole), called)
}

func (w *Worker) hostName(id topology.HostID) string {
	if h, ok := w.view.Object(topology.Key{Kind: topology.KindHost, ID: id}).(*topology.Host); ok {
		return h.Name
	}
	return id.String()
}
