package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"midonet.org/midonet/errs"
)

// state is the record of what was made, state.json. An entry is written before the thing that it names is made and removed after
// the thing is gone, so an entry may name something that does not exist, and nothing exists that no entry names.
type state struct {
	Hosts     []hostRecord     `json:"hosts"`
	Workloads []workloadRecord `json:"workloads"`
	Networks  []string         `json:"networks"` // names of the Neutron networks that the demo made
	Uplinks   []uplinkRecord   `json:"uplinks"`
}

// uplinkRecord is a host's way to the machine outside.
type uplinkRecord struct {
	Host    string `json:"host"`
	Number  int    `json:"number"`  // the host's
	Network string `json:"network"` // name of the external network
}

// hostRecord is a namespace with an agent.
type hostRecord struct {
	Name     string   `json:"name"`
	Number   int      `json:"number"`   // from 1; the last part of its underlay addresses
	Underlay []string `json:"underlay"` // its addresses there
	Agent    process  `json:"agent"`
}

// workloadRecord is a namespace with an interface that is bound to a Neutron port.
type workloadRecord struct {
	Name     string `json:"name"`
	Host     string `json:"host"`
	Port     string `json:"port"`      // UUID; empty until Neutron has told it
	MadePort bool   `json:"made_port"` // the port is the sandbox's to delete
	Device   string `json:"device"`    // device_id of the port, by which it is found where Port is empty
}

func (st *state) host(name string) *hostRecord {
	i := slices.IndexFunc(st.Hosts, func(h hostRecord) bool { return h.Name == name })
	if i < 0 {
		return nil
	}
	return &st.Hosts[i]
}

func (st *state) workload(name string) *workloadRecord {
	i := slices.IndexFunc(st.Workloads, func(w workloadRecord) bool { return w.Name == name })
	if i < 0 {
		return nil
	}
	return &st.Workloads[i]
}

func (st *state) uplink(host string) *uplinkRecord {
	i := slices.IndexFunc(st.Uplinks, func(u uplinkRecord) bool { return u.Host == host })
	if i < 0 {
		return nil
	}
	return &st.Uplinks[i]
}

func (st *state) removeWorkload(name string) {
	st.Workloads = slices.DeleteFunc(st.Workloads, func(w workloadRecord) bool { return w.Name == name })
}

func (st *state) empty() bool {
	return len(st.Hosts)+len(st.Workloads)+len(st.Networks)+len(st.Uplinks) == 0
}

func (s *Sandbox) lockPath() string { return filepath.Join(s.dir(), "lock") }

func (s *Sandbox) statePath() string { return filepath.Join(s.dir(), "state.json") }

// load reads the record; there is an empty one where nothing was made yet.
func (s *Sandbox) load() (*state, error) {
	text, err := os.ReadFile(s.statePath())
	if errors.Is(err, fs.ErrNotExist) {
		return &state{}, nil
	}
	if err != nil {
		return nil, err
	}
	st := &state{}
	if err := json.Unmarshal(text, st); err != nil {
		return nil, errs.New(errs.Internal, "CorruptState", "%s is not the sandbox's record of what it made; "+
			"look at the namespaces that begin with %s (ip netns) and remove the file", s.statePath(), s.prefix).Wrap(err)
	}
	return st, nil
}

// save replaces the record in one step: a reader, or a program that starts after a crash, sees the old one or the new one.
func (s *Sandbox) save(st *state) error {
	text, err := json.MarshalIndent(st, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(s.dir(), ".state-*")
	if err != nil {
		return err
	}
	_, err = f.Write(append(text, '\n'))
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), s.statePath())
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

// change runs fn with the record while no other process changes the sandbox. fn saves the record itself, before each step.
func (s *Sandbox) change(fn func(st *state) error) error {
	lock, err := s.lock()
	if err != nil {
		return err
	}
	defer lock.Close() // ends the lock
	st, err := s.load()
	if err != nil {
		return err
	}
	return fn(st)
}

// lock makes the sandbox's directory and waits until no other process changes the sandbox.
func (s *Sandbox) lock() (*os.File, error) {
	for {
		if err := os.MkdirAll(s.dir(), 0o750); err != nil {
			return nil, err
		}
		f, err := os.OpenFile(s.lockPath(), os.O_CREATE|os.O_RDWR, 0o600)
		if errors.Is(err, fs.ErrNotExist) {
			continue // another process removed the directory in between
		}
		if err != nil {
			return nil, err
		}
		if err := s.waitForLock(f); err != nil {
			f.Close()
			return nil, err
		}
		if s.isLockFile(f) {
			return f, nil
		}
		f.Close() // the one who had the lock removed the file with everything else
	}
}

func (s *Sandbox) waitForLock(f *os.File) error {
	if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
		return nil
	}
	fmt.Fprintln(s.out, "waiting for another sandbox command on this state directory")
	return unix.Flock(int(f.Fd()), unix.LOCK_EX)
}

// isLockFile reports whether the open file is still the one that others find by its name.
func (s *Sandbox) isLockFile(f *os.File) bool {
	mine, err := f.Stat()
	if err != nil {
		return false
	}
	found, err := os.Stat(s.lockPath())
	return err == nil && os.SameFile(mine, found)
}
