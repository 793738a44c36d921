package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// onOwnThread runs fn on an operating system thread that nothing else uses afterwards: fn may change the thread's namespaces and
// need not change them back, for the thread ends with its goroutine.
func onOwnThread(fn func() error) error {
	result := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			// The first thread cannot end, and /proc/self shows its namespaces as the process's. Hold it while another is used.
			result <- onOwnThread(fn)
			runtime.UnlockOSThread()
			return
		}
		result <- fn()
	}()
	return <-result
}

// InNamespace runs fn on a thread inside the named network namespace. Sockets that fn opens and processes that it starts stay
// there.
func InNamespace(name string, fn func() error) error {
	return onOwnThread(func() error {
		if err := enter(name); err != nil {
			return err
		}
		return fn()
	})
}

// enter moves the calling thread, for good, into the named network namespace.
func enter(name string) error {
	ns, err := netns.GetFromName(name)
	if err != nil {
		return fmt.Errorf("network namespace %s: %w", name, err)
	}
	defer ns.Close()
	if err := netns.Set(ns); err != nil {
		return fmt.Errorf("entering network namespace %s: %w", name, err)
	}
	return nil
}

// ensureNamespace makes the named network namespace, with its loopback interface up, unless it is there.
func ensureNamespace(name string) error {
	if namespaceExists(name) {
		return nil
	}
	// A plain file is what a crash between the two halves of making a namespace leaves.
	if err := os.Remove(namespacePath(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := shareDirectory(); err != nil {
		return fmt.Errorf("preparing %s: %w", namespaceDirectory, err)
	}
	return onOwnThread(func() error {
		ns, err := netns.NewNamed(name)
		if err != nil {
			return fmt.Errorf("making network namespace %s: %w", name, err)
		}
		defer ns.Close()
		lo, err := netlink.LinkByName("lo")
		if err != nil {
			return err
		}
		return netlink.LinkSetUp(lo)
	})
}

// shareDirectory makes the directory of namespaces a shared mount of its own, as `ip netns add` does (iproute2 ip/ipnetns.c,
// netns_add). Were it not one yet, the next `ip netns add` would mount it over the namespaces that are in it, and they could not be
// reached or removed any more.
func shareDirectory() error {
	if err := os.MkdirAll(namespaceDirectory, 0o755); err != nil {
		return err
	}
	share := func() error { return unix.Mount("", namespaceDirectory, "none", unix.MS_SHARED|unix.MS_REC, "") }
	err := share()
	if !errors.Is(err, unix.EINVAL) { // EINVAL: it is not a mount point
		return err
	}
	if err := unix.Mount(namespaceDirectory, namespaceDirectory, "none", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return err
	}
	return share()
}

// deleteNamespace removes the named namespace, and with it the interfaces in it; one that is not there is no error.
func deleteNamespace(name string) error {
	path := namespacePath(name)
	if err := unix.Unmount(path, unix.MNT_DETACH); err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("deleting network namespace %s: %w", name, err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// namespaceDirectory is where ip(8) looks for the names of network namespaces.
const namespaceDirectory = "/run/netns"

func namespacePath(name string) string { return filepath.Join(namespaceDirectory, name) }

// nsfsMagic is the file system type of namespace files (NSFS_MAGIC of linux/magic.h).
const nsfsMagic = 0x6e736673

func namespaceExists(name string) bool {
	var fsStat unix.Statfs_t
	return unix.Statfs(namespacePath(name), &fsStat) == nil && fsStat.Type == nsfsMagic
}

// namespaceInode identifies a network namespace; processes show the same number in /proc/<pid>/ns/net.
func namespaceInode(path string) (uint64, error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return 0, err
	}
	return st.Ino, nil
}

// links opens the interfaces of the named namespace. The caller closes the handle.
func links(namespace string) (*netlink.Handle, error) {
	ns, err := netns.GetFromName(namespace)
	if err != nil {
		return nil, fmt.Errorf("network namespace %s: %w", namespace, err)
	}
	defer ns.Close()
	return netlink.NewHandleAt(ns)
}
