package sandbox

import (
	"bufio"
	"context"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"time"
)

// Status is the state of everything that was made.
type Status struct {
	Hosts     []HostStatus
	Workloads []WorkloadStatus
}

// HostStatus is the state of a host.
type HostStatus struct {
	Name      string
	Underlay  []string // addresses with prefix lengths
	Agent     int      // process number; 0 where none was started
	Alive     bool     // the agent runs
	Ports     []string // UUIDs of the ports of its workloads
	LastError string   // the last warning or error in the agent's log
	LogFile   string
}

// WorkloadStatus is the state of a workload. PortStatus, Addresses and Error come from Neutron.
type WorkloadStatus struct {
	Workload
	PortStatus string
	Ping       string // "0.3 ms from web2", the reason why not, or empty where no other workload shares the network
}

// pingTimeout bounds the ping that Status makes of each workload.
const pingTimeout = time.Second

// Status looks at every host and workload, and pings each workload from another of its network.
func (s *Sandbox) Status(ctx context.Context) (Status, error) {
	st, err := s.load()
	if err != nil {
		return Status{}, err
	}
	workloads, err := s.ListWorkloads(ctx)
	if err != nil {
		return Status{}, err
	}
	var status Status
	for _, h := range st.Hosts {
		status.Hosts = append(status.Hosts, s.hostStatus(h, st.Workloads))
	}
	for i := range workloads {
		workloads[i].Ping = s.pingFromPeer(ctx, workloads[i], workloads)
	}
	status.Workloads = workloads
	return status, nil
}

func (s *Sandbox) hostStatus(h hostRecord, workloads []workloadRecord) HostStatus {
	hs := HostStatus{Name: h.Name, Underlay: h.Underlay, Agent: h.Agent.PID, Alive: h.Agent.alive(), LogFile: s.agentLog(h.Name)}
	hs.LastError = lastLine(hs.LogFile, func(line string) bool {
		return strings.Contains(line, "level=ERROR") || strings.Contains(line, "level=WARN")
	})
	for _, w := range workloads {
		if w.Host == h.Name && w.Port != "" {
			hs.Ports = append(hs.Ports, w.Port)
		}
	}
	return hs
}

// ListWorkloads returns the workloads with what Neutron says of their ports, in the order in which they were made.
func (s *Sandbox) ListWorkloads(ctx context.Context) ([]WorkloadStatus, error) {
	st, err := s.load()
	if err != nil {
		return nil, err
	}
	var all []WorkloadStatus
	for _, w := range st.Workloads {
		ws := WorkloadStatus{Workload: Workload{Name: w.Name, Host: w.Host, Port: w.Port}, PortStatus: "not made"}
		if w.Port != "" {
			p, err := s.neutron.port(ctx, w.Port)
			ws.Workload, ws.PortStatus = s.workloadOf(w, p), p.Status
			if err != nil {
				ws.PortStatus = err.Error()
			}
			ws.Port = w.Port
		}
		all = append(all, ws)
	}
	return all, nil
}

// pingFromPeer pings w from the first other workload of its network and says how that went.
func (s *Sandbox) pingFromPeer(ctx context.Context, w WorkloadStatus, all []WorkloadStatus) string {
	for _, peer := range all {
		if peer.Name == w.Name || peer.Network != w.Network || len(w.Addresses) == 0 {
			continue
		}
		to, err := netip.ParseAddr(w.Addresses[0])
		if err != nil {
			return err.Error()
		}
		ctx, cancel := context.WithTimeout(ctx, pingTimeout)
		defer cancel()
		took, err := s.Ping(ctx, peer.Name, to, 1)
		if err != nil {
			return fmt.Sprintf("from %s: %v", peer.Name, err)
		}
		return fmt.Sprintf("%.1f ms from %s", took.Seconds()*1000, peer.Name)
	}
	return ""
}

// lastLogLine is the last line of the host's agent's log.
func (s *Sandbox) lastLogLine(host string) string {
	return lastLine(s.agentLog(host), func(line string) bool { return line != "" })
}

// lastLine returns the last line of the file that match holds for, or nothing.
func lastLine(file string, match func(string) bool) string {
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer f.Close()
	last := ""
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if match(lines.Text()) {
			last = lines.Text()
		}
	}
	return last
}
