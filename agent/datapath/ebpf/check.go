package ebpf

import (
	"errors"
	"fmt"
	"os"
	"strings"

	cilium "github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"midonet.org/midonet/errs"
)

// Check tries on this machine, in the present network namespace, each thing that Open needs, and undoes it. It returns nil or an
// errs.Unavailable that names all that is missing.
func Check() error {
	held, err := heldCapabilities()
	if err != nil {
		return err
	}
	missing := missingCapabilities(held)
	if len(missing) > 0 { // without which the kernel seems to lack everything
		return unavailable([]string{"the capabilities " + strings.Join(missing, ", ") + ", which root has, and a container that is given them"})
	}
	for _, need := range needs {
		if err := need.try(); err != nil {
			missing = append(missing, fmt.Sprintf("%s (%v)", need.what, err))
		}
	}
	if len(missing) > 0 {
		return unavailable(missing)
	}
	return nil
}

// heldCapabilities returns the capabilities of this thread as a set of bits, which capabilities(7) numbers.
func heldCapabilities() (uint64, error) {
	var sets [2]unix.CapUserData // 32 bits each
	if err := unix.Capget(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &sets[0]); err != nil {
		return 0, fmt.Errorf("the capabilities of this process: %w", err)
	}
	return uint64(sets[1].Effective)<<32 | uint64(sets[0].Effective), nil
}

// missingCapabilities names those that a datapath needs and that are not held. CAP_SYS_ADMIN contains CAP_BPF and CAP_PERFMON, and mounts the file
// system of pins where it is not there yet.
func missingCapabilities(held uint64) (names []string) {
	has := func(capability int) bool { return held&(1<<capability) != 0 }
	if !has(unix.CAP_NET_ADMIN) {
		names = append(names, "CAP_NET_ADMIN")
	}
	if !has(unix.CAP_NET_RAW) {
		names = append(names, "CAP_NET_RAW")
	}
	if !has(unix.CAP_SYS_ADMIN) && !(has(unix.CAP_BPF) && has(unix.CAP_PERFMON)) {
		names = append(names, "CAP_SYS_ADMIN")
	}
	return names
}

func unavailable(missing []string) error {
	return errs.New(errs.Unavailable, "DatapathUnavailable", "the eBPF datapath needs %s", strings.Join(missing, "; "))
}

// loopback is the index of lo in every network namespace.
const loopback = 1

var needs = []struct {
	what string
	try  func() error
}{
	{"a kernel with the BPF file system (CONFIG_BPF_SYSCALL)", tryFileSystem},
	{"a kernel that describes its types (CONFIG_DEBUG_INFO_BTF)", tryBTF},
	{"a kernel that accepts the flow cache's programs (Linux 6.6 or newer)", tryPrograms},
	{"a kernel that attaches programs to interfaces by TCX (Linux 6.6 or newer, CONFIG_NET_XGRESS)", tryTCX},
	{"a kernel with VXLAN (CONFIG_VXLAN, module vxlan)", tryVXLAN},
	{"a kernel with veth (CONFIG_VETH, module veth)", tryVeth},
}

func tryFileSystem() error {
	known, err := os.ReadFile("/proc/filesystems")
	if err == nil && !strings.Contains(string(known), "\tbpf\n") {
		err = errors.New("not in /proc/filesystems")
	}
	return err
}

func tryBTF() error {
	_, err := os.Stat("/sys/kernel/btf/vmlinux")
	return err
}

func tryPrograms() error {
	spec, err := loadBpf()
	if err != nil {
		return err
	}
	for _, m := range spec.Maps {
		m.Pinning = cilium.PinNone
	}
	var objects bpfObjects
	if err := spec.LoadAndAssign(&objects, nil); err != nil {
		return err
	}
	return objects.Close()
}

// tryTCX attaches a program that lets every packet pass.
func tryTCX() error {
	const next = -1 // TCX_NEXT
	program, err := cilium.NewProgram(&cilium.ProgramSpec{
		Type: cilium.SchedCLS, License: "Dual BSD/GPL",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, next), asm.Return()},
	})
	if err != nil {
		return err
	}
	defer program.Close()
	l, err := link.AttachTCX(link.TCXOptions{Interface: loopback, Program: program, Attach: ingress})
	if err != nil {
		return err
	}
	return l.Close()
}

func tryVXLAN() error {
	return tryLink(tunnelLink("mn-try-vxlan", 65535)) // it is never up, so the port is not taken
}

func tryVeth() error {
	v := netlink.NewVeth(netlink.LinkAttrs{Name: "mn-try-veth"})
	v.PeerName = "mn-try-veth-p"
	return tryLink(v)
}

func tryLink(l netlink.Link) error {
	if err := netlink.LinkAdd(l); err != nil {
		return err
	}
	return netlink.LinkDel(l)
}
