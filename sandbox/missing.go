package sandbox

import (
	"errors"
	"fmt"
	"os"
	"unsafe"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Missing says, in words, what this process or machine lacks to run a sandbox; nothing where it can. It tries each thing in a
// namespace that vanishes at once.
func Missing() []string {
	if os.Geteuid() != 0 {
		return []string{"it needs root, to make network namespaces and to load eBPF programs"}
	}
	var missing []string
	if err := onOwnThread(func() error { missing = missingInKernel(); return nil }); err != nil {
		missing = append(missing, err.Error())
	}
	return missing
}

func missingInKernel() []string {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return []string{fmt.Sprintf("network namespaces cannot be made (%v)", err)}
	}
	var missing []string
	for _, link := range []netlink.Link{
		&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "probe-veth"}, PeerName: "probe-peer"},
		&netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "probe-bridge"}},
		&netlink.Vxlan{LinkAttrs: netlink.LinkAttrs{Name: "probe-vxlan"}, FlowBased: true, Port: 4789},
	} {
		if err := netlink.LinkAdd(link); err != nil {
			missing = append(missing, fmt.Sprintf("the kernel makes no %s interfaces (%v)", link.Type(), err))
		}
	}
	if err := probeRingBuffer(); err != nil {
		missing = append(missing, fmt.Sprintf("eBPF maps cannot be made (%v): the kernel needs CONFIG_BPF_SYSCALL, and this process "+
			"CAP_BPF", err))
	}
	if err := probeBPFFileSystem(); err != nil {
		missing = append(missing, fmt.Sprintf("the bpf file system cannot be mounted (%v)", err))
	}
	if major, minor := kernelVersion(); major < 6 || major == 6 && minor < 6 {
		missing = append(missing, fmt.Sprintf("the kernel is %d.%d, and attaching eBPF programs to interfaces by TCX needs 6.6", major, minor))
	}
	return missing
}

// probeRingBuffer makes and drops the youngest of the map types that the datapath uses (bpf(2), BPF_MAP_CREATE).
func probeRingBuffer() error {
	attr := struct{ mapType, keySize, valueSize, maxEntries uint32 }{mapType: unix.BPF_MAP_TYPE_RINGBUF, maxEntries: 4096}
	fd, _, errno := unix.Syscall(unix.SYS_BPF, unix.BPF_MAP_CREATE, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	if errno != 0 {
		return errno
	}
	return unix.Close(int(fd))
}

// probeBPFFileSystem mounts one where only this thread sees it.
func probeBPFFileSystem() error {
	if err := unix.Unshare(unix.CLONE_FS | unix.CLONE_NEWNS); err != nil {
		return err
	}
	if err := unix.Mount("", "/", "", unix.MS_PRIVATE|unix.MS_REC, ""); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "midonet-probe")
	if err != nil {
		return err
	}
	defer os.Remove(dir)
	if err := unix.Mount("bpf", dir, "bpf", 0, ""); err != nil {
		return err
	}
	return errors.Join(unix.Unmount(dir, unix.MNT_DETACH))
}

func kernelVersion() (major, minor int) {
	var uts unix.Utsname
	if unix.Uname(&uts) != nil {
		return 0, 0
	}
	_, _ = fmt.Sscanf(unix.ByteSliceToString(uts.Release[:]), "%d.%d", &major, &minor) // zeros say "too old", which is the truth
	return major, minor
}
