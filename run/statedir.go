package run

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"midonet.org/midonet/errs"
)

// servicesDir is where servers that are services keep their state, each in a directory named after its role (systemd/midonet@.service).
const servicesDir = "/var/lib/midonet"

// StateDirHere is the state directory that a tool means when it is told none: that of a server started here by hand, or else of a service.
func StateDirHere() string {
	const byHand = "var"
	for _, dir := range []string{byHand, filepath.Join(servicesDir, "server"), filepath.Join(servicesDir, "cluster"), filepath.Join(servicesDir, "api")} {
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			return dir
		}
	}
	return byHand
}

// stateDir is a directory that one process holds.
type stateDir struct {
	Path string
	lock *os.File
}

// openStateDir makes the directory if need be and takes the lock in it. A second holder is refused, since two processes would
// write one embedded store.
func openStateDir(path string) (*stateDir, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, errs.New(errs.Invalid, "StateDirectory", "the state directory cannot be made").Wrap(err)
	}
	lock, err := os.OpenFile(filepath.Join(path, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, errs.New(errs.Invalid, "StateDirectory", "the state directory %s cannot be used", path).Wrap(err)
	}
	err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		lock.Close()
		return nil, errs.New(errs.Conflict, "StateDirectoryInUse",
			"another process is running with the state directory %s: stop it, or name another directory with --state-dir", path)
	}
	if err != nil {
		lock.Close()
		return nil, fmt.Errorf("locking %s: %w", lock.Name(), err)
	}
	return &stateDir{Path: path, lock: lock}, nil
}

// Close gives the directory up.
func (d *stateDir) Close() error { return d.lock.Close() }
