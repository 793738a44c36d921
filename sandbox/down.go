package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"midonet.org/midonet/errs"
)

// stopGrace is how long processes may take to end when asked, before they are killed.
const stopGrace = 3 * time.Second

// Down removes everything that the record names: workloads with their Neutron ports, agents, namespaces, mounts and files. What
// runs inside the namespaces ends, whoever started it. Where the server is away its ports and networks stay in the record, Down
// says so in an error, and the next Down removes them.
func (s *Sandbox) Down(ctx context.Context) error {
	if !s.exists() {
		fmt.Fprintln(s.out, "no sandbox is up in", s.cfg.StateDir)
		return nil
	}
	return s.change(func(st *state) error { return s.down(ctx, st) })
}

// exists reports whether anything may have been made that was not removed.
func (s *Sandbox) exists() bool {
	_, err := os.Stat(s.dir())
	return !errors.Is(err, fs.ErrNotExist) || len(s.ownNamespaces()) > 0
}

func (s *Sandbox) down(ctx context.Context, st *state) error {
	inNeutron := errors.Join(s.releasePorts(ctx, st), s.deleteUplinks(ctx, st), s.deleteDemoNetworks(ctx, st))
	if err := stopProcesses(ctx, s.namespaces(st)...); err != nil {
		return errors.Join(inNeutron, err)
	}
	if err := s.removeEverything(st); err != nil {
		return errors.Join(inNeutron, err)
	}
	if inNeutron != nil {
		return errs.New(errs.KindOf(inNeutron), "SandboxResourcesLeft",
			"hosts and workloads are removed, but Neutron still has ports or networks of theirs, which the next `down` removes: %v", inNeutron)
	}
	return nil
}

// releasePorts gives every workload's port back to Neutron. A workload keeps its place in the record until that is done.
func (s *Sandbox) releasePorts(ctx context.Context, st *state) error {
	var failed []error
	for i := range st.Workloads {
		if err := s.releasePort(ctx, st.Workloads[i]); err != nil {
			failed = append(failed, fmt.Errorf("port of workload %s: %w", st.Workloads[i].Name, err))
			continue
		}
		st.Workloads[i].Port, st.Workloads[i].Device = "", ""
	}
	return errors.Join(append(failed, s.save(st))...)
}

// stopProcesses ends all processes in the namespaces: agents, and what was run in workloads.
func stopProcesses(ctx context.Context, namespaces ...string) error {
	inodes := map[uint64]bool{}
	for _, ns := range namespaces {
		if !namespaceExists(ns) {
			continue
		}
		inode, err := namespaceInode(namespacePath(ns))
		if err != nil {
			return err
		}
		inodes[inode] = true
	}
	if len(inodes) == 0 {
		return nil
	}
	found, err := processesIn(inodes)
	if err != nil {
		return err
	}
	return stopAll(ctx, found, stopGrace)
}

// namespaces lists the names of all namespaces that the record implies, and of those that are there without it: a person may have
// removed the state directory while the sandbox was up.
func (s *Sandbox) namespaces(st *state) []string {
	names := s.ownNamespaces()
	for _, w := range st.Workloads {
		names = append(names, s.workloadNamespace(w.Name))
	}
	for _, h := range st.Hosts {
		names = append(names, s.hostNamespace(h.Name))
	}
	names = append(names, s.underlayNamespace(), s.outsideNamespace())
	slices.Sort(names)
	return slices.Compact(names)
}

// ownNamespaces lists the namespaces that are there and whose names begin as this sandbox's do.
func (s *Sandbox) ownNamespaces() []string {
	entries, err := os.ReadDir(namespaceDirectory)
	if err != nil {
		return nil // there is no such directory before the first namespace
	}
	var names []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), s.prefix+"-") {
			names = append(names, e.Name())
		}
	}
	return names
}

// removeEverything deletes namespaces, mounts and directories, and leaves in the record only what Neutron still has.
func (s *Sandbox) removeEverything(st *state) error {
	for _, ns := range s.namespaces(st) {
		if err := deleteNamespace(ns); err != nil {
			return err
		}
	}
	for _, w := range st.Workloads {
		if err := removeTree(s.workloadDir(w.Name)); err != nil {
			return err
		}
	}
	for _, h := range st.Hosts {
		if err := removeTree(s.hostDir(h.Name)); err != nil {
			return err
		}
	}
	fmt.Fprintf(s.out, "removed %d workloads and %d hosts\n", len(st.Workloads), len(st.Hosts))
	st.Hosts = nil
	st.Workloads = unreleased(st.Workloads)
	if st.empty() {
		return removeTree(s.dir())
	}
	return s.save(st)
}

// unreleased picks the workloads whose port Neutron still has.
func unreleased(all []workloadRecord) []workloadRecord {
	var kept []workloadRecord
	for _, w := range all {
		if w.Port != "" || w.Device != "" {
			kept = append(kept, w)
		}
	}
	return kept
}
