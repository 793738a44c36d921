package translate

import (
	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/topology"
)

// renderRouter renders a router with its translation of addresses, the groups of its uplinks and of its interfaces, which an operator's
// rules may name, and its extra routes (MidoNet RouterTranslator.scala). Its ports and their routes are rendered with the Neutron ports.
func renderRouter(v View, r *model.Router) []topology.Object {
	ports := linked[model.Port](v, link{how: routerPortOf, to: r.ID})
	n := newTranslation(v, r, ports)
	group := &topology.PortGroup{ID: uplinks(r.ID), ProjectID: r.ProjectID, Stateful: true}
	group.Name = "OS_PORT_GROUP_" + group.ID.String()
	inside := &topology.PortGroup{ID: interfaces(r.ID), ProjectID: r.ProjectID, Name: "OS_PORT_GROUP_ROUTER_INTF_" + r.ID.String()}
	objects := []topology.Object{
		&topology.Router{
			ID:           id.As[topology.Router](r.ID),
			Name:         r.Name,
			ProjectID:    r.ProjectID,
			AdminUp:      r.AdminStateUp,
			InChain:      n.pre.ID,
			OutChain:     n.post.ID,
			ForwardChain: n.forward.ID,
		},
		group, inside,
	}
	objects = append(objects, n.chains()...)
	return append(objects, extraRoutes(v, r, ports)...)
}
