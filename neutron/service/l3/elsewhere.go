package l3

import (
	"encoding/json"
	"errors"
	"fmt"

	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/neutron/ml2"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/store"
)

// A MidoNet elsewhere is told what the original's plugin tells it: of a router's interfaces by an action of their own, after the ports,
// and in the router which port is its gateway. To the cluster in this program the ports say both.

// told records a change of a router's interfaces that has succeeded, and passes on what is to be answered.
func (r *request) told(what journal.Type, i *Interface, err error) (*Interface, error) {
	if err != nil || !r.Elsewhere() {
		return i, err
	}
	return i, r.Record(what, journal.RouterInterface, i.PortID.String(), i.TenantID, i)
}

func (r *request) recordRouter(what journal.Type, router *model.Router) error {
	value := any(recordedRouter(router))
	if r.Elsewhere() {
		port, err := store.GatewayPort(r.Tx(), router.ID)
		if err != nil {
			return err
		}
		value = routerWithPort{recordedRouter(router), port}
	}
	return r.Record(what, journal.Router, router.ID.String(), router.ProjectID, value)
}

// routerWithPort is a router with the attribute gw_port_id, which the API does not show.
type routerWithPort struct {
	router *model.Router
	port   model.PortID // zero: no gateway
}

// MarshalJSON writes the router's form, and the port behind it.
func (r routerWithPort) MarshalJSON() ([]byte, error) {
	object, err := json.Marshal(r.router)
	if err != nil {
		return nil, err
	}
	port := "null"
	if !r.port.IsZero() {
		port = `"` + r.port.String() + `"`
	}
	return fmt.Appendf(object[:len(object)-1], `,"gw_port_id":%s}`, port), nil
}

// TakeBack implements ml2.Service.
func (p *Plugin) TakeBack(s *ml2.Session, t journal.Task) error {
	r := &request{s, p.cfg}
	switch t.DataType {
	case journal.Router:
		return r.takeBackRouter(t)
	case journal.FloatingIP:
		return r.takeBackFloatingIP(t)
	case journal.RouterInterface:
		return r.takeBackInterface(t)
	}
	return nil
}

func (r *request) takeBackRouter(t journal.Task) error {
	if t.Type == journal.Create {
		return r.deleteRouter(t.ResourceID)
	}
	router, err := r.changeableRouter(t.ResourceID)
	if err != nil {
		return err
	}
	router.Status = model.StatusError
	return store.UpdateRouter(r.Tx(), router)
}

func (r *request) takeBackFloatingIP(t journal.Task) error {
	f, err := r.changeableFloatingIP(t.ResourceID)
	if err != nil {
		return err
	}
	if t.Type == journal.Create {
		return r.deleteFloatingIP(f)
	}
	f.Status = model.StatusError
	return store.UpdateFloatingIP(r.Tx(), f)
}

// gatewayGoes takes a port that is about to be deleted from the router whose gateway it is.
func (r *request) gatewayGoes(port *model.Port) error {
	if port.DeviceOwner != model.OwnerRouterGateway {
		return nil
	}
	router, err := id.Parse[model.Router](port.DeviceID)
	if err != nil { // a port that a client has made, of no router
		return nil
	}
	gateway, err := store.GatewayPort(r.Tx(), router)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil
	case err != nil || gateway != port.ID:
		return err
	}
	return store.SetGatewayPort(r.Tx(), router, model.PortID{})
}

// takeBackInterface takes a subnet from an interface that had others before. One that a router got as a port keeps it, as in the original,
// and one that was made for the router is taken back as a port.
func (r *request) takeBackInterface(t journal.Task) error {
	var i Interface
	if err := json.Unmarshal(t.Data, &i); err != nil {
		return err
	}
	port, err := store.Port(r.Tx(), t.ResourceID, everyone)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	left := port.FixedIPs
	for _, subnet := range i.SubnetIDs {
		left = without(left, subnet)
	}
	if len(left) == 0 || len(left) == len(port.FixedIPs) {
		return nil
	}
	if _, err := r.readdress(port, left); err != nil {
		return err
	}
	return r.Record(journal.Delete, journal.RouterInterface, t.ResourceID, i.TenantID, i)
}
