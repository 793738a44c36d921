package api

import (
	"midonet.org/midonet/cluster/nsdb/mirror"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/topology"
)

// serviceContainer is models/ServiceContainer.java. No host runs any, so that each that has a port is STOPPED.
type serviceContainer struct {
	entity[topology.ServiceContainer]
	ServiceGroupID        *topology.ServiceContainerGroupID `json:"serviceGroupId"`
	ConfigurationID       *topology.ConfigurationID         `json:"configurationId"`
	PortID                *topology.PortID                  `json:"portId"`
	ServiceType           *string                           `json:"serviceType"`
	StatusCode            *string                           `json:"statusCode"`
	StatusMessage         *string                           `json:"statusMessage"`
	HostID                *topology.HostID                  `json:"hostId"`
	NamespaceName         *string                           `json:"namespaceName"`
	InterfaceName         *string                           `json:"interfaceName"`
	Port                  *string                           `json:"port"`
	ServiceContainerGroup *string                           `json:"serviceContainerGroup"`
}

var serviceContainers = stored[*topology.ServiceContainer, serviceContainer]{
	kind: topology.KindServiceContainer, path: "/service_containers", media: "ServiceContainer-v1", can: canList | canCreate | canUpdate,
	in: []within[serviceContainer]{{"/service_container_groups/{id}/service_containers", topology.KindServiceContainerGroup,
		func(d *serviceContainer, to [16]byte) { d.ServiceGroupID = new(topology.ServiceContainerGroupID(to)) }}},
	show: func(c *call, o *topology.ServiceContainer) serviceContainer {
		shown := serviceContainer{entity: entity[topology.ServiceContainer]{&o.ID, c.link("/service_containers", o.ID)}, ServiceGroupID: present(o.Group),
			ConfigurationID: present(o.Configuration), PortID: present(o.Port), ServiceType: &o.Type, HostID: present(c.hostOf(o.Port)),
			Port: c.link("/ports", o.Port), ServiceContainerGroup: c.link("/service_container_groups", o.Group)}
		if !o.Port.IsZero() {
			shown.StatusCode = new("STOPPED")
		}
		return shown
	},
	// A change moves the container's port to another host, and nothing else: here a port is moved by binding it.
	read: func(c *call, v *violations, d *serviceContainer, have *topology.ServiceContainer) (*topology.ServiceContainer, error) {
		if have == nil {
			o := &topology.ServiceContainer{ID: *d.ID, Group: given(d.ServiceGroupID), Port: given(d.PortID), Configuration: given(d.ConfigurationID),
				Type: required(v, "serviceType", d.ServiceType)}
			v.size("serviceType", o.Type, 0, maxName)
			return o, nil
		}
		switch {
		case have.Port.IsZero():
			return nil, errs.New(errs.Precondition, "Unschedulable", "Container %s scheduling cannot be changed because it is not connected to a port.", have.ID)
		case given(d.HostID) != c.hostOf(have.Port):
			return nil, errs.New(errs.Invalid, "NotSettable", "hostId follows from the binding of port %s.", have.Port)
		}
		same := *have
		return &same, nil
	},
}

// hostOf returns the host that the port is bound to; zero: none.
func (c *call) hostOf(p topology.PortID) topology.HostID {
	if b := mirror.Lookup[*topology.Binding](c.state, topology.KindBinding, p); b != nil {
		return b.Host
	}
	return topology.HostID{}
}

// serviceContainerGroup is models/ServiceContainerGroup.java.
type serviceContainerGroup struct {
	entity[topology.ServiceContainerGroup]
	Policy            *string               `json:"policy"`
	HostGroupID       *objectID             `json:"hostGroupId"`
	PortGroupID       *topology.PortGroupID `json:"portGroupId"`
	ServiceContainers *string               `json:"serviceContainers"`
}

// The policies by which hosts are chosen (ServiceContainerGroup.ServiceContainerPolicy).
const (
	weighted = "WEIGHTED"
	least    = "LEAST"
)

var serviceContainerGroups = stored[*topology.ServiceContainerGroup, serviceContainerGroup]{
	kind: topology.KindServiceContainerGroup, path: "/service_container_groups", media: "ServiceContainerGroup-v1",
	can: canList | canCreate | canUpdate,
	show: func(c *call, o *topology.ServiceContainerGroup) serviceContainerGroup {
		uri := c.link("/service_container_groups", o.ID)
		shown := serviceContainerGroup{entity: entity[topology.ServiceContainerGroup]{&o.ID, uri}, Policy: new(weighted), PortGroupID: present(o.PortGroup),
			ServiceContainers: new(*uri + "/service_containers")}
		if o.Least {
			shown.Policy = new(least)
		}
		return shown
	},
	read: func(_ *call, v *violations, d *serviceContainerGroup, _ *topology.ServiceContainerGroup) (*topology.ServiceContainerGroup, error) {
		if d.HostGroupID != nil { // nobody can make any
			return nil, noSuch("HostGroup", *d.HostGroupID)
		}
		return &topology.ServiceContainerGroup{ID: *d.ID, Least: v.enum("policy", d.Policy, weighted, least) == least, PortGroup: given(d.PortGroupID)}, nil
	},
}
