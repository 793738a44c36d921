package ebpf

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	cilium "github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"midonet.org/midonet/errs"
)

// layout is LAYOUT of bpf/types.h.
const layout = 3

const (
	ingress = cilium.AttachTCXIngress
	egress  = cilium.AttachTCXEgress
)

// mountBPF makes sure that dir is a directory of a BPF file system.
func mountBPF(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("directory for pinned maps: %w", err)
	}
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	if s.Type == unix.BPF_FS_MAGIC {
		return nil
	}
	if err := unix.Mount("bpf", dir, "bpf", 0, "mode=0700"); err != nil {
		return fmt.Errorf("mounting a BPF file system at %s: %w", dir, err)
	}
	return nil
}

// lockDir keeps a second agent away from the same maps. The kernel lets go of the lock when the process ends, however it ends.
func lockDir(dir string) (*os.File, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, errs.New(errs.Conflict, "DatapathInUse", "another agent holds the datapath in %s", dir).Wrap(err)
	}
	return f, nil
}

// load creates the maps that are not pinned yet and the programs, which are not attached yet.
func (d *Datapath) load(c Config) error {
	spec, err := loadBpf()
	if err != nil {
		return err
	}
	spec.Maps[bpfMapFlows].MaxEntries = uint32(c.MaxFlows)
	spec.Maps[bpfMapMisses].MaxEntries = uint32(c.MissBuffer)
	if err := d.discardIncompatible(spec); err != nil {
		return err
	}
	options := &cilium.CollectionOptions{Maps: cilium.MapOptions{PinPath: d.dir}}
	if err := spec.LoadAndAssign(&d.objects, options); err != nil {
		return err
	}
	return d.configure(c)
}

// configure writes the settings, but leaves the source addresses that an earlier agent set.
func (d *Datapath) configure(c Config) error {
	return d.set(func(s *bpfConfig) {
		if s.Wide == 0 && s.Layout == layout {
			s.Wide = allWide // of an agent that did not say
		}
		s.Wide |= wideKnown
		s.Layout, s.TunnelIfindex = layout, d.devices.tunnel
		s.MissInterval, s.MissBurst = timing(c.MissRate, c.MissBurst)
		s.StateInterval, s.StateBurst = timing(c.StateRate, c.StateBurst)
	})
}

// discardIncompatible unpins the maps of another version or size. The programs that use them go on until they are replaced.
func (d *Datapath) discardIncompatible(spec *cilium.CollectionSpec) error {
	wrongLayout := d.pinnedLayout() != layout
	for name, m := range spec.Maps {
		if m.Pinning != cilium.PinByName {
			continue
		}
		pinned, err := cilium.LoadPinnedMap(filepath.Join(d.dir, name), nil)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("pinned map %s: %w", name, err)
		}
		if err := m.Compatible(pinned); wrongLayout || err != nil {
			d.log.Warn("replacing a pinned map that this version or configuration cannot use", "map", name, "difference", err)
			err = pinned.Unpin()
			if err != nil {
				return err
			}
		}
		pinned.Close()
	}
	return nil
}

// pinnedLayout returns the version that the pinned settings name, 0 where they cannot be read.
func (d *Datapath) pinnedLayout() uint32 {
	m, err := cilium.LoadPinnedMap(filepath.Join(d.dir, bpfMapSettings), nil)
	if err != nil {
		return 0
	}
	defer m.Close()
	var s bpfConfig
	if m.Lookup(uint32(0), &s) != nil {
		return 0
	}
	return s.Layout
}

// attach puts the program on the interface: in the place of the earlier agent's, if its attachment is pinned under this name.
func (d *Datapath) attach(name string, ifindex uint32, program *cilium.Program, where cilium.AttachType) error {
	pin := filepath.Join(d.dir, "link-"+name)
	if d.replace(pin, ifindex, program) {
		return nil
	}
	l, err := link.AttachTCX(link.TCXOptions{Interface: int(ifindex), Program: program, Attach: where})
	if err != nil {
		return fmt.Errorf("attaching to interface %d: %w", ifindex, err)
	}
	defer l.Close() // the pin keeps it
	if err := l.Pin(pin); err != nil {
		return fmt.Errorf("pinning the attachment to interface %d: %w", ifindex, err)
	}
	return nil
}

// replace swaps the program of a pinned attachment. False means that there is none on this interface; one whose interface has
// gone is unpinned.
func (d *Datapath) replace(pin string, ifindex uint32, program *cilium.Program) bool {
	l, err := link.LoadPinnedLink(pin, nil)
	if err != nil {
		return false
	}
	defer l.Close()
	if attachedTo(l, ifindex) && l.Update(program) == nil {
		return true
	}
	if err := l.Unpin(); err != nil {
		d.log.Warn("cannot unpin a stale attachment", "pin", pin, "error", err)
	}
	return false
}

func attachedTo(l link.Link, ifindex uint32) bool {
	info, err := l.Info()
	return err == nil && info.TCX() != nil && info.TCX().Ifindex == ifindex
}

// detach takes the program off the interface. It is no error if it is off already.
func (d *Datapath) detach(name string) error {
	l, err := link.LoadPinnedLink(filepath.Join(d.dir, "link-"+name), nil)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer l.Close()
	return errors.Join(l.Unpin(), ignore(l.Detach(), unix.ENOLINK))
}

// ignore returns err unless it is in the tree of what was expected.
func ignore(err, expected error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return err
}
