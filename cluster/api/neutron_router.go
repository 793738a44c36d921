package api

import (
	"encoding/json"

	"midonet.org/midonet/cluster/importer"
	"midonet.org/midonet/cluster/nsdb/mirror"
	"midonet.org/midonet/cluster/translate"
	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/topology"
)

var routers = collection[model.Router]{
	resource: translate.Router, path: "/routers", one: neutronMedia("Router"), many: neutronMedia("Routers"),
	id:   func(r *model.Router) *id.ID[model.Router] { return &r.ID },
	read: readRouter, plan: planRouter, show: showRouter,
}

// neutronRouter is neutron/models/Router.java.
type neutronRouter struct {
	ID           model.RouterID    `json:"id"`
	Name         string            `json:"name"`
	Status       *model.Status     `json:"status"`
	TenantID     string            `json:"tenant_id"`
	AdminStateUp bool              `json:"admin_state_up"`
	GatewayPort  *model.PortID     `json:"gw_port_id"`
	Gateway      *gatewayInfo      `json:"external_gateway_info"`
	Routes       []model.HostRoute `json:"routes"`
}

// gatewayInfo is neutron/models/ExternalGatewayInfo.java.
type gatewayInfo struct {
	NetworkID  model.NetworkID `json:"network_id"`
	EnableSNAT bool            `json:"enable_snat"`
}

func readRouter(body []byte) (*model.Router, error) {
	r, err := readInto(body, &model.Router{})
	if err != nil {
		return nil, err
	}
	if r.Gateway != nil && r.Gateway.NetworkID.IsZero() { // {}
		r.Gateway = nil
	}
	return r, nil
}

// planRouter makes the port that gw_port_id names the gateway, as Neutron has already done, and refuses extra routes that lead nowhere
// (RouterTranslator.scala updateExtraRoutes: when the router is made there are none).
func planRouter(now translate.View, verb importer.Verb, r *model.Router, body []byte) ([]importer.Write, error) {
	var named struct {
		GatewayPort model.PortID `json:"gw_port_id"`
	}
	if err := json.Unmarshal(body, &named); err != nil {
		return nil, invalid("The body cannot be read: %v", err)
	}
	writes := []importer.Write{put(verb, translate.Router, r.ID, r)}
	if !named.GatewayPort.IsZero() {
		gateway := translate.Find(now, named.GatewayPort)
		if gateway == nil {
			return nil, noSuch(importer.Class(translate.Port), objectID(named.GatewayPort))
		}
		if w, change := claim(gateway, r.ID, model.OwnerRouterGateway); change {
			writes = append(writes, w)
			var err error
			if now, err = after(now, w); err != nil {
				return nil, err
			}
		}
	}
	if verb == importer.Create {
		return writes, nil
	}
	for _, route := range r.Routes {
		if !translate.Reaches(now, r.ID, route.NextHop) {
			return nil, invalid("No valid port was found to add route: %s via %s", route.Destination, route.NextHop)
		}
	}
	return writes, nil
}

// after returns the view as the write will leave it.
func after(now translate.View, w importer.Write) (translate.View, error) {
	c, err := translate.Decode(w.Owner, w.JSON)
	return translate.After(now, c), err
}

// claim returns the write that makes the router a port's device, as what the device_owner says; change is false where it is that already.
func claim(p *model.Port, to model.RouterID, owner string) (w importer.Write, change bool) {
	port := *p
	port.DeviceID, port.DeviceOwner = to.String(), owner
	if port.DeviceID == p.DeviceID && port.DeviceOwner == p.DeviceOwner {
		return w, false
	}
	return put(importer.Amend, translate.Port, port.ID, port), true
}

func showRouter(state *mirror.State) func(*model.Router) (any, error) {
	return func(r *model.Router) (any, error) {
		gateway, err := gatewayPort(state, r.ID)
		shown := neutronRouter{
			ID: r.ID, Name: r.Name, Status: present(r.Status), TenantID: r.ProjectID, AdminStateUp: r.AdminStateUp,
			GatewayPort: present(gateway), Routes: list(r.Routes),
		}
		if r.Gateway != nil {
			shown.Gateway = &gatewayInfo{NetworkID: r.Gateway.NetworkID, EnableSNAT: r.Gateway.EnableSNAT}
		}
		return shown, err
	}
}

// gatewayPort returns the Neutron port that is the router's gateway, the zero identifier where it has none.
func gatewayPort(state *mirror.State, of model.RouterID) (model.PortID, error) {
	for p := range state.RouterPorts(id.As[topology.Router](of)) {
		own := id.As[model.Port](p.ID)
		if p.Interior() {
			own = id.As[model.Port](p.Peer) // the port of the bridge has the Neutron port's identifier
		}
		source := sourceOf(state, translate.Port, own)
		if source == nil {
			continue
		}
		var port model.Port
		if err := json.Unmarshal(source.JSON, &port); err != nil {
			return model.PortID{}, err
		}
		if port.DeviceOwner == model.OwnerRouterGateway {
			return port.ID, nil
		}
	}
	return model.PortID{}, nil
}
