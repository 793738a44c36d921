package run

import (
	"context"

	"midonet.org/midonet/agent/control"
	"midonet.org/midonet/agent/session"
	"midonet.org/midonet/agent/worker"
)

// AgentStatus is what an agent says of itself to people: GET /status of its control socket.
type AgentStatus struct {
	Version  string         `json:"version"`
	Session  session.Status `json:"session"`
	Underlay []string       `json:"underlay"` // addresses that the tunnels use
	Packets  worker.Status  `json:"packets"`
	Problem  string         `json:"problem,omitempty"` // why Packets may be incomplete
}

// serveControl lets mm-ctl in.
func (a *agent) serveControl(ctx context.Context) error {
	door := control.Agent{Bind: a.session.Bind, Unbind: a.session.Unbind, Hosts: a.hosts, Status: a.status, Log: a.Log}
	return door.Serve(ctx, a.control)
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
	s := AgentStatus{Version: Version, Session: a.session.Status(), Underlay: texts(a.worker.Facts().Endpoints), Packets: packets}
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
