package topologypb

import "midonet.org/midonet/topology"

func fromServiceContainer(o *topology.ServiceContainer) *ServiceContainer {
	return &ServiceContainer{ByOperator: o.ByOperator, Id: idBytes(o.ID), Group: idBytes(o.Group), Port: idBytes(o.Port),
		Configuration: idBytes(o.Configuration), Type: o.Type}
}

// Topology returns the container's value.
func (x *ServiceContainer) Topology() (*topology.ServiceContainer, error) {
	d := decoder{kind: topology.KindServiceContainer}
	return &topology.ServiceContainer{
		Made:          topology.Made{ByOperator: x.GetByOperator()},
		ID:            identity[topology.ServiceContainer](&d, "id", x.GetId()),
		Group:         reference[topology.ServiceContainerGroup](&d, "group", x.GetGroup()),
		Port:          reference[topology.Port](&d, "port", x.GetPort()),
		Configuration: reference[topology.Configuration](&d, "configuration", x.GetConfiguration()),
		Type:          x.GetType(),
	}, d.err
}

func fromServiceContainerGroup(o *topology.ServiceContainerGroup) *ServiceContainerGroup {
	return &ServiceContainerGroup{ByOperator: o.ByOperator, Id: idBytes(o.ID), Least: o.Least, PortGroup: idBytes(o.PortGroup)}
}

// Topology returns the group's value.
func (x *ServiceContainerGroup) Topology() (*topology.ServiceContainerGroup, error) {
	d := decoder{kind: topology.KindServiceContainerGroup}
	return &topology.ServiceContainerGroup{
		Made:      topology.Made{ByOperator: x.GetByOperator()},
		ID:        identity[topology.ServiceContainerGroup](&d, "id", x.GetId()),
		Least:     x.GetLeast(),
		PortGroup: reference[topology.PortGroup](&d, "port group", x.GetPortGroup()),
	}, d.err
}

func fromHostSettings(o *topology.HostSettings) *HostSettings {
	return &HostSettings{ByOperator: o.ByOperator, Host: idBytes(o.Host), FloodingProxyWeight: int32(o.FloodingProxyWeight),
		ContainerWeight: int32(o.ContainerWeight), ContainerLimit: int32(o.ContainerLimit), EnforceContainerLimit: o.EnforceContainerLimit}
}

// Topology returns the value of the settings.
func (x *HostSettings) Topology() (*topology.HostSettings, error) {
	d := decoder{kind: topology.KindHostSettings}
	return &topology.HostSettings{
		Made:                  topology.Made{ByOperator: x.GetByOperator()},
		Host:                  identity[topology.Host](&d, "host", x.GetHost()),
		FloodingProxyWeight:   int(x.GetFloodingProxyWeight()),
		ContainerWeight:       int(x.GetContainerWeight()),
		ContainerLimit:        int(x.GetContainerLimit()),
		EnforceContainerLimit: x.GetEnforceContainerLimit(),
	}, d.err
}
