package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"midonet.org/midonet/errs"
)

// WorkloadSpec says what AddWorkload makes. Exactly one of Network and Port is given.
type WorkloadSpec struct {
	Name    string
	Host    string // such as host1
	Network string // UUID or name of the Neutron network on which a port is made
	Port    string // UUID of an existing Neutron port, which stays when the workload is deleted
}

// Workload is what a namespace became on the network.
type Workload struct {
	Name      string
	Host      string
	Port      string // UUID
	Network   string // UUID
	MAC       string
	Addresses []string
	Interface string // its other end, in the host
}

// deviceOwner marks the sandbox's ports; Neutron's name for what Nova's zones own begins the same way.
const deviceOwner = "compute:sandbox"

// portActive is how long a bound port may take to turn ACTIVE.
const portActive = time.Minute

// AddWorkload makes a namespace with an interface that is bound, on a host of the sandbox, to a Neutron port, and configures it
// by DHCP where the port's subnets serve it. A failure undoes what was made.
func (s *Sandbox) AddWorkload(ctx context.Context, spec WorkloadSpec) (Workload, error) {
	var made Workload
	err := s.change(func(st *state) error {
		if err := checkSpec(st, spec); err != nil {
			return err
		}
		var err error
		made, err = s.addWorkload(ctx, st, spec)
		if err != nil {
			undo := s.deleteWorkload(context.WithoutCancel(ctx), st, spec.Name)
			return errors.Join(fmt.Errorf("workload %s: %w", spec.Name, err), undo)
		}
		return nil
	})
	return made, err
}

func checkSpec(st *state, spec WorkloadSpec) error {
	if err := checkName("workload", spec.Name); err != nil {
		return err
	}
	if st.workload(spec.Name) != nil {
		return errs.New(errs.Conflict, "WorkloadExists", "there is a workload %s already", spec.Name)
	}
	if st.host(spec.Host) == nil {
		return errs.New(errs.NotFound, "HostNotFound", "there is no host %q; `midonet sandbox up` makes hosts", spec.Host)
	}
	if (spec.Network == "") == (spec.Port == "") {
		return errs.New(errs.Invalid, "InvalidWorkload", "name either the network that the workload's port is made on, or its port")
	}
	return nil
}

func (s *Sandbox) addWorkload(ctx context.Context, st *state, spec WorkloadSpec) (Workload, error) {
	st.Workloads = append(st.Workloads, workloadRecord{
		Name: spec.Name, Host: spec.Host, Port: spec.Port, MadePort: spec.Port == "", Device: s.workloadNamespace(spec.Name),
	})
	if err := s.save(st); err != nil {
		return Workload{}, err
	}
	p, err := s.acquirePort(ctx, spec)
	if err != nil {
		return Workload{}, err
	}
	st.workload(spec.Name).Port = p.ID
	if err := s.save(st); err != nil {
		return Workload{}, err
	}
	if err := s.plug(ctx, spec, p); err != nil {
		return Workload{}, err
	}
	return s.workloadOf(*st.workload(spec.Name), p), s.configure(ctx, spec.Name, p)
}

func (s *Sandbox) workloadOf(w workloadRecord, p port) Workload {
	made := Workload{Name: w.Name, Host: w.Host, Port: p.ID, Network: p.NetworkID, MAC: p.MAC, Interface: tapName(p.ID)}
	for _, ip := range p.FixedIPs {
		made.Addresses = append(made.Addresses, ip.Address.String())
	}
	return made
}

// acquirePort makes the workload's port, or claims the one that the caller named, as Nova does for a server.
func (s *Sandbox) acquirePort(ctx context.Context, spec WorkloadSpec) (port, error) {
	owner, device := deviceOwner, s.workloadNamespace(spec.Name)
	request := portRequest{DeviceOwner: &owner, DeviceID: &device, HostID: &spec.Host}
	if spec.Port != "" {
		return s.neutron.updatePort(ctx, spec.Port, request)
	}
	net, err := s.neutron.findNetwork(ctx, spec.Network)
	if err != nil {
		return port{}, err
	}
	request.Name, request.NetworkID = spec.Name, net.ID
	return s.neutron.createPort(ctx, request)
}

// tapName is the name that Nova gives a port's interface on its host: "tap" and the identifier, cut to 14 characters
// (nova/network/model.py, NIC_NAME_LEN).
func tapName(portID string) string {
	return ("tap" + portID)[:14]
}

// plug makes the interface, binds it to the port on its host and waits until Neutron says that the port is active.
func (s *Sandbox) plug(ctx context.Context, spec WorkloadSpec, p port) error {
	net, err := s.neutron.network(ctx, p.NetworkID)
	if err != nil {
		return err
	}
	if err := s.connectWorkload(spec, p, net.MTU); err != nil {
		return err
	}
	if _, err := s.runMMCtl(ctx, spec.Host, "--bind-port", p.ID, tapName(p.ID)); err != nil {
		return err
	}
	return s.waitActive(ctx, p.ID, spec.Host)
}

// connectWorkload makes the workload's namespace and the pair of interfaces between it and its host, both up.
func (s *Sandbox) connectWorkload(spec WorkloadSpec, p port, mtu int) error {
	hw, err := net.ParseMAC(p.MAC)
	if err != nil {
		return err
	}
	guest, host := s.workloadNamespace(spec.Name), s.hostNamespace(spec.Host)
	if err := ensureNamespace(guest); err != nil {
		return err
	}
	if err := vethBetween(host, tapName(p.ID), guest, guestIfc, mtu, hw); err != nil {
		return err
	}
	if err := setAddresses(host, tapName(p.ID), nil); err != nil {
		return err
	}
	return setAddresses(guest, guestIfc, nil)
}

// DeleteWorkload unbinds the workload's port, ends what runs in its namespace and removes the namespace. The port is deleted if
// AddWorkload made it.
func (s *Sandbox) DeleteWorkload(ctx context.Context, name string) error {
	return s.change(func(st *state) error {
		if st.workload(name) == nil {
			return noWorkload(name)
		}
		return s.deleteWorkload(ctx, st, name)
	})
}

func noWorkload(name string) error {
	return errs.New(errs.NotFound, "WorkloadNotFound", "there is no workload %q", name)
}

func (s *Sandbox) deleteWorkload(ctx context.Context, st *state, name string) error {
	w := st.workload(name)
	s.unbind(ctx, st, *w)
	if err := stopProcesses(ctx, s.workloadNamespace(name)); err != nil {
		return err
	}
	if err := s.releasePort(ctx, *w); err != nil {
		return err
	}
	if err := deleteNamespace(s.workloadNamespace(name)); err != nil {
		return err
	}
	if err := os.RemoveAll(s.workloadDir(name)); err != nil {
		return err
	}
	st.removeWorkload(name)
	return s.save(st)
}

// unbind takes the interface out of its port while the host's agent lives. A failure stops nothing: the interface vanishes with
// the workload, and the binding with the port or at the port's next binding.
func (s *Sandbox) unbind(ctx context.Context, st *state, w workloadRecord) {
	h := st.host(w.Host)
	if w.Port == "" || h == nil || !h.Agent.alive() {
		return
	}
	if _, err := s.runMMCtl(ctx, w.Host, "--unbind-port", w.Port); err != nil {
		s.log.Warn("unbinding the port of a workload", "workload", w.Name, "error", err)
	}
}

// releasePort deletes the port that was made for the workload, or clears what was set on the one that it took.
func (s *Sandbox) releasePort(ctx context.Context, w workloadRecord) error {
	if !w.MadePort && w.Port != "" {
		none := ""
		_, err := s.neutron.updatePort(ctx, w.Port, portRequest{DeviceOwner: &none, DeviceID: &none, HostID: &none})
		if errs.Is(err, errs.NotFound) {
			return nil
		}
		return err
	}
	if w.Device == "" {
		return nil
	}
	// By device, not by identifier: a crash may have come between the port's creation and the note of its identifier.
	ports, err := s.neutron.portsOf(ctx, w.Device)
	if err != nil {
		return err
	}
	for _, p := range ports {
		if err := s.neutron.deletePort(ctx, p.ID); err != nil {
			return err
		}
	}
	return nil
}
