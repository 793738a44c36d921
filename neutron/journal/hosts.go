package journal

import (
	"context"
	"net/netip"
	"time"
)

// Host is what the cluster knows of a machine that runs an agent.
type Host struct {
	ID        string // a UUID
	Name      string
	Zone      string       // the availability zone that it is in; empty: none
	Endpoints []netip.Addr // its tunnels'
	Alive     bool         // its agent is connected
	Version   string       // of the agent, while it is alive
	StartedAt time.Time    // likewise
}

// HostSink is how Neutron learns of the hosts.
type HostSink interface {
	// SetHosts makes these the hosts that Neutron knows, all of them, as they are now. It returns the identifiers of those that an operator has
	// deleted and that are not alive: the cluster may forget them.
	SetHosts(ctx context.Context, hosts []Host) (deleted []string, err error)
}
