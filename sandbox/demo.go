package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"midonet.org/midonet/errs"
)

// The demo's network. The addresses are private ones of both versions.
const (
	demoNetwork = "demo"
	demoCIDR4   = "10.99.0.0/24"
	demoCIDR6   = "fd00:99::/64"
	demoPings   = 4
)

// Demo makes two hosts, a network with an IPv4 and an IPv6 subnet, and a workload on each host; shows a ping between the two; says
// what runs where and what to try next; waits for ctx to end; and removes it all. What an earlier run left behind is removed
// first. The server must stay up until Demo returns.
func (s *Sandbox) Demo(ctx context.Context) error {
	if s.exists() {
		fmt.Fprintln(s.out, "removing what an earlier run left")
		if err := s.Down(ctx); err != nil {
			return fmt.Errorf("removing what an earlier run left: %w", err)
		}
	}
	err := s.demo(ctx)
	if err == nil {
		<-ctx.Done()
		fmt.Fprintln(s.out)
	}
	cleanup, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	if ctx.Err() != nil {
		err = nil // it was asked to end
	}
	return errors.Join(err, s.Down(cleanup))
}

func (s *Sandbox) demo(ctx context.Context) error {
	if err := s.Up(ctx, 2); err != nil {
		return err
	}
	net, err := s.makeDemoNetwork(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "network %s: %s, %s\n", net.Name, demoCIDR4, demoCIDR6)
	var workloads []Workload
	for _, spec := range []WorkloadSpec{
		{Name: "web1", Host: "host1", Network: net.ID},
		{Name: "web2", Host: "host2", Network: net.ID},
	} {
		w, err := s.AddWorkload(ctx, spec)
		if err != nil {
			return err
		}
		fmt.Fprintf(s.out, "workload %s on %s: %s\n", w.Name, w.Host, strings.Join(w.Addresses, ", "))
		workloads = append(workloads, w)
	}
	if err := s.showPings(ctx, workloads[0], workloads[1]); err != nil {
		return err
	}
	s.printScreen(workloads)
	return nil
}

// demoMark tells the demo's own network from one that a user gave the same name.
func (s *Sandbox) demoMark() string { return "made by " + s.prefix }

func (s *Sandbox) makeDemoNetwork(ctx context.Context) (network, error) {
	err := s.change(func(st *state) error {
		st.Networks = []string{demoNetwork}
		return s.save(st)
	})
	if err != nil {
		return network{}, err
	}
	net, err := s.neutron.createNetwork(ctx, networkRequest{Name: demoNetwork, Description: s.demoMark()})
	if err != nil {
		return network{}, err
	}
	for _, r := range []subnetRequest{
		{NetworkID: net.ID, Name: "demo4", IPVersion: 4, CIDR: demoCIDR4},
		{NetworkID: net.ID, Name: "demo6", IPVersion: 6, CIDR: demoCIDR6},
	} {
		if err := s.neutron.createSubnet(ctx, r); err != nil {
			return network{}, err
		}
	}
	return net, nil
}

// deleteDemoNetworks removes the networks that an unfinished or finished demo made. Subnets go with their network.
func (s *Sandbox) deleteDemoNetworks(ctx context.Context, st *state) error {
	for _, name := range st.Networks {
		if err := s.deleteMarkedNetworks(ctx, name); err != nil {
			return err
		}
	}
	st.Networks = nil
	return s.save(st)
}

// deleteMarkedNetworks removes the networks of the name that this sandbox made.
func (s *Sandbox) deleteMarkedNetworks(ctx context.Context, name string) error {
	found, err := s.neutron.networksNamed(ctx, name)
	if err != nil {
		return fmt.Errorf("network %s: %w", name, err)
	}
	for _, net := range found {
		if net.Description != s.demoMark() {
			continue
		}
		err := s.neutron.deleteNetwork(ctx, net.ID)
		if errs.Is(err, errs.Conflict) {
			return fmt.Errorf("network %s has ports that the sandbox did not make (openstack port list --network %s): %w", name, net.ID, err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// showPings shows the pings from one workload to all addresses of another.
func (s *Sandbox) showPings(ctx context.Context, from, to Workload) error {
	for _, text := range to.Addresses {
		address, err := netip.ParseAddr(text)
		if err != nil {
			return err
		}
		fmt.Fprintf(s.out, "\n%s$ ping %s\n", from.Name, address)
		if err := s.showPing(ctx, from.Name, address); err != nil {
			return fmt.Errorf("%s does not reach %s: %w", from.Name, address, err)
		}
	}
	return nil
}

// showPing runs the system's ping where there is one, and sends echo requests itself where there is none.
func (s *Sandbox) showPing(ctx context.Context, workload string, to netip.Addr) error {
	if _, err := exec.LookPath("ping"); err == nil {
		argv := []string{"ping", "-n", "-i", "0.2", "-W", "2", "-c", fmt.Sprint(demoPings), to.String()}
		return s.Exec(ctx, workload, argv, Stdio{Out: s.out, Err: s.out})
	}
	for sequence := range uint16(demoPings) {
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		took, err := s.Ping(ctx, workload, to, sequence)
		cancel()
		if err != nil {
			return err
		}
		fmt.Fprintf(s.out, "answer from %s: seq=%d time=%.2f ms\n", to, sequence, took.Seconds()*1000)
	}
	return nil
}

// printScreen says what runs where and what to try next.
func (s *Sandbox) printScreen(workloads []Workload) {
	fmt.Fprintf(s.out, "\n%-16s %s\n", "Networking API", s.cfg.API)
	fmt.Fprintf(s.out, "%-16s %s\n", "agents' logs", fromHere(filepath.Join(s.dir(), "host*", "agent.log")))
	for _, w := range workloads {
		fmt.Fprintf(s.out, "%-16s %s on %s, interface %s, port %s\n", w.Name, w.Addresses[0], w.Host, w.Interface, w.Port)
	}
	from, to := workloads[0], workloads[1]
	midonet, state := fromHere(s.cfg.Binary), s.stateFlag()
	sandbox := state + s.apiFlag()
	fmt.Fprintf(s.out, `
Try, in another terminal:
  export OS_AUTH_TYPE=none OS_ENDPOINT=%s
  openstack network list
  openstack port list --network %s
  openstack network create mine
  openstack subnet create --network mine --subnet-range 10.1.0.0/24 mine4
and as root, in this directory:
`, s.cfg.API, demoNetwork)
	for _, line := range []string{
		"sandbox workload add" + sandbox + " --host host1 --network mine db1",
		"sandbox workload add" + sandbox + " --host host2 --network mine db2",
		"sandbox status" + sandbox,
		"sandbox workload exec" + sandbox + " " + from.Name + " -- ping -c 3 " + to.Addresses[0],
		"trace" + state + " " + from.Port + " icmp " + from.Addresses[0] + " to " + to.Addresses[0],
	} {
		fmt.Fprintf(s.out, "  %s %s\n", midonet, line)
	}
	fmt.Fprintf(s.out, "\n%s What else you make in Neutron stays in %s.\n", screenEnd, fromHere(s.cfg.StateDir))
}

// screenEnd begins the last line of the screen.
const screenEnd = "Ctrl-C removes hosts, workloads and the demo's network."

// stateFlag and apiFlag are the options that name this sandbox on the command line, after a blank; nothing where the default does.
func (s *Sandbox) stateFlag() string {
	if dir := fromHere(s.cfg.StateDir); dir != "var" {
		return " --state-dir " + dir
	}
	return ""
}

func (s *Sandbox) apiFlag() string {
	if s.cfg.API != defaultAPI {
		return " --api-url " + s.cfg.API
	}
	return ""
}

// fromHere shortens a path to what it is from the working directory, where that is shorter.
func fromHere(path string) string {
	here, err := os.Getwd()
	if err != nil {
		return path
	}
	if rel, err := filepath.Rel(here, path); err == nil && len(rel) < len(path) {
		return rel
	}
	return path
}
