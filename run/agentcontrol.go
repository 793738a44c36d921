package run

import (
	"context"
	"slices"

	"midonet.org/midonet/agent/control"
	"midonet.org/midonet/agent/service/metadata"
	"midonet.org/midonet/agent/session"
	"midonet.org/midonet/agent/worker"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/topology"
)

// AgentStatus is what an agent says of itself to people: GET /status of its control socket.
type AgentStatus struct {
	Version  string         `json:"version"`
	Session  session.Status `json:"session"`
	Underlay []string       `json:"underlay"` // addresses that the tunnels use
	Packets  worker.Status  `json:"packets"`
	// Metadata is how the metadata service does, where there is one.
	Metadata *metadata.Status `json:"metadata,omitempty"`
	Problem  string           `json:"problem,omitempty"` // why Packets may be incomplete
}

// serveControl lets mm-ctl in.
func (a *agent) serveControl(ctx context.Context) error {
	door := control.Agent{Bind: a.bind, Unbind: a.session.Unbind, Hosts: a.hosts, Status: a.status, Capture: a.capture, Log: a.Log}
	return door.Serve(ctx, a.control)
}

// bind refuses the interfaces that the host itself lives by; the cluster cannot know them.
func (a *agent) bind(ctx context.Context, port topology.PortID, iface string) error {
	facts := a.worker.Facts()
	for _, i := range facts.Interfaces {
		if i.Name != iface {
			continue
		}
		for _, address := range i.Addrs {
			if address.IsLoopback() || slices.Contains(facts.Endpoints, address) {
				return errs.New(errs.Conflict, "InterfaceReserved",
					"interface %s has the address %s, which this host needs; plugging it into a port would cut the host off", iface, address)
			}
		}
	}
	return a.session.Bind(ctx, port, iface)
}

// hosts returns every host of the cloud as the control socket shows it.
func (a *agent) hosts(ctx context.Context) ([]control.Host, error) {
	known, err := a.session.ListHosts(ctx)
	if err != nil {
		return nil, err
	}
	hosts := make([]control.Host, len(known))
	for i, k := range known {
		hosts[i] = control.Host{ID: k.Host.ID.String(), Name: k.Host.Name, Alive: k.Alive, Version: k.Version, Endpoints: texts(k.Host.Endpoints)}
	}
	return hosts, nil
}

func (a *agent) status() any {
	packets, err := a.worker.Status()
	s := AgentStatus{Version: Version, Session: a.session.Status(), Underlay: texts(a.worker.Facts().Endpoints), Packets: packets,
		Metadata: a.metadata.status()}
	if err != nil {
		s.Problem = err.Error()
	}
	return s
}

// texts returns the canonical form of each address.
func texts[T interface{ String() string }](values []T) []string {
	all := make([]string, len(values))
	for i, v := range values {
		all[i] = v.String()
	}
	return all
}
