// Package netns does things inside a network namespace (network_namespaces(7)) of which the process may have several: what names an
// interface means one of the namespace that the calling thread is in.
package netns

import (
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// Namespace is a network namespace. One that nothing else holds goes with Close, and so do its interfaces. The zero Namespace is none.
type Namespace struct{ file *os.File }

// ofThread is the calling thread's network namespace in proc(5).
const ofThread = "/proc/thread-self/ns/net"

// Own returns the calling thread's.
func Own() (Namespace, error) {
	file, err := os.Open(ofThread)
	if err != nil {
		return Namespace{}, fmt.Errorf("the network namespace: %w", err)
	}
	return Namespace{file}, nil
}

// New makes a namespace that no one else is in, with nothing but a loopback interface.
func New() (n Namespace, err error) {
	err = astray(func(Namespace) error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("making a network namespace: %w", err)
		}
		n, err = Own()
		return err
	})
	return n, err
}

// Do calls f on a thread in the namespace: the caller's own where that is there already.
func (n Namespace) Do(f func() error) error {
	return astray(func(outside Namespace) error {
		if !n.same(outside) {
			if err := n.enter(); err != nil {
				return err
			}
		}
		return f()
	})
}

// Fd is the namespace's file descriptor, good until Close.
func (n Namespace) Fd() int { return int(n.file.Fd()) }

// Close lets go of the namespace.
func (n Namespace) Close() {
	if n.file != nil {
		n.file.Close()
	}
}

// astray calls f, which may take its thread to another namespace, and brings the thread back.
func astray(f func(outside Namespace) error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	outside, err := Own()
	if err != nil {
		return err
	}
	defer outside.Close()
	defer outside.comeBack()
	return f(outside)
}

func (n Namespace) comeBack() {
	if now, err := Own(); err == nil {
		defer now.Close()
		if n.same(now) {
			return
		}
	}
	if n.enter() != nil {
		runtime.LockOSThread() // once more than it is unlocked: a thread in the wrong place ends with its goroutine
	}
}

func (n Namespace) enter() error {
	if err := unix.Setns(n.Fd(), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("entering the network namespace: %w", err)
	}
	return nil
}

func (n Namespace) same(other Namespace) bool {
	a, err := n.file.Stat()
	if err != nil {
		return false
	}
	b, err := other.file.Stat()
	return err == nil && os.SameFile(a, b)
}
