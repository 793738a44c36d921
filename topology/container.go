package topology

import "midonet.org/midonet/id"

// Identifiers of service containers.
type (
	ServiceContainerID      = id.ID[ServiceContainer]
	ServiceContainerGroupID = id.ID[ServiceContainerGroup]
	ConfigurationID         = id.ID[Configuration]
)

// Configuration stands for whatever a service container is made for.
type Configuration struct{}

// ServiceContainer is a network function that a host runs behind a port.
type ServiceContainer struct {
	Made
	ID            ServiceContainerID
	Group         ServiceContainerGroupID
	Port          PortID
	Configuration ConfigurationID
	Type          string
}

// ServiceContainerGroup is a set of service containers, and by what their hosts are chosen.
type ServiceContainerGroup struct {
	Made
	ID        ServiceContainerGroupID
	Least     bool        // the host with the fewest; else hosts by their weights
	PortGroup PortGroupID // among the hosts of whose ports; zero: among all
}

// HostSettings are what an operator has set for a host; there are none while all is as it is from the beginning (DefaultHostSettings).
type HostSettings struct {
	Made
	Host                  HostID
	FloodingProxyWeight   int
	ContainerWeight       int
	ContainerLimit        int // -1: none
	EnforceContainerLimit bool
}

// DefaultHostSettings returns what holds for a host of which nothing was set (the original's topology.proto).
func DefaultHostSettings(host HostID) *HostSettings {
	return &HostSettings{Host: host, FloodingProxyWeight: 1, ContainerWeight: 1, ContainerLimit: -1}
}

// Key returns the container's key.
func (o *ServiceContainer) Key() Key { return Key{KindServiceContainer, o.ID} }

// Key returns the group's key.
func (o *ServiceContainerGroup) Key() Key { return Key{KindServiceContainerGroup, o.ID} }

// Key returns the key of the settings, which is the host's: there is one of each.
func (o *HostSettings) Key() Key { return Key{KindHostSettings, o.Host} }

// References implements Referrer.
func (o *ServiceContainer) References() []Reference {
	var r refs
	r.add(GoesToo, KindServiceContainerGroup, o.Group)
	r.add(GoesToo, KindPort, o.Port)
	return r
}

// Without implements Referrer.
func (o *ServiceContainer) Without(Key) Object { return o }

// References implements Referrer.
func (o *ServiceContainerGroup) References() []Reference {
	var r refs
	r.add(Forgets, KindPortGroup, o.PortGroup)
	return r
}

// Without implements Referrer.
func (o *ServiceContainerGroup) Without(Key) Object {
	left := *o
	left.PortGroup = PortGroupID{}
	return &left
}

// References implements Referrer.
func (o *HostSettings) References() []Reference { return []Reference{{Key{KindHost, o.Host}, GoesToo}} }

// Without implements Referrer.
func (o *HostSettings) Without(Key) Object { return o }
