// Package view is the agent's picture of the virtual topology: an immutable value that the simulator reads.
//
// A View is made from a snapshot of topology objects, and a new View from an old one and a Delta; the old one stays as it was, so
// a simulation under way is not disturbed. Apply also says which flow.Tags the delta touches: exactly the tags of answers that
// might come out differently now. Order does not matter: a port may come before its bridge, and an object that refers to one that
// is not here is kept until it is.
package view

import (
	"net/netip"

	"midonet.org/midonet/topology"
)

// Delta is a change of the objects that the host needs.
type Delta struct {
	Puts    []topology.Object
	Deletes []topology.Key
}

// Station is where a MAC of a bridge is.
type Station struct {
	Port    topology.PortID
	Learned bool // seen by a host, rather than known from Neutron
}

// Location is which interface of which host is plugged into a port.
type Location struct {
	Host      topology.HostID
	Interface string
	Local     bool
	// Endpoints are the host's underlay addresses; empty when the host is unknown.
	Endpoints []netip.Addr
	// Active says that the interface is up on a live host; packets are sent to the port either way, since state lags behind.
	Active bool
}

// View is the topology as one host knows it. It is immutable and safe for use by any number of goroutines.
type View struct {
	host topology.HostID
}

// New returns the empty view of the given host: nothing is known and every packet is an error.
func New(host topology.HostID) *View { return &View{host: host} }
