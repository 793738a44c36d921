package ebpf

import (
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// namespace is a network namespace. What names an interface means one of the namespace that the calling thread is in, so that all
// of it is done inside.
type namespace struct{ file *os.File }

// threadNamespace is the calling thread's network namespace in proc(5).
const threadNamespace = "/proc/thread-self/ns/net"

// ownNamespace returns the calling thread's.
func ownNamespace() (namespace, error) {
	file, err := os.Open(threadNamespace)
	if err != nil {
		return namespace{}, fmt.Errorf("the network namespace: %w", err)
	}
	return namespace{file}, nil
}

// do calls f on a thread in the namespace: the caller's own, which is there already unless the process has several namespaces.
func (n namespace) do(f func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	outside, err := ownNamespace()
	if err != nil {
		return err
	}
	defer outside.close()
	if n.same(outside) {
		return f()
	}
	if err := n.enter(); err != nil {
		return err
	}
	defer func() {
		if outside.enter() != nil {
			runtime.LockOSThread() // once more than it is unlocked: a thread in the wrong place ends with its goroutine
		}
	}()
	return f()
}

func (n namespace) enter() error {
	if err := unix.Setns(int(n.file.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("entering the network namespace: %w", err)
	}
	return nil
}

func (n namespace) same(other namespace) bool {
	a, err := n.file.Stat()
	if err != nil {
		return false
	}
	b, err := other.file.Stat()
	return err == nil && os.SameFile(a, b)
}

func (n namespace) close() {
	if n.file != nil {
		n.file.Close()
	}
}
