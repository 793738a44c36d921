// Package child starts processes that are killed with the program that started them, however that ends: tests and benchmarks leave none behind.
package child

import (
	"os/exec"
	"runtime"
	"sync"
	"syscall"
)

// Start starts the command, which is killed when this program ends. What else is in its SysProcAttr stays.
func Start(cmd *exec.Cmd) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	started := make(chan error)
	starter() <- func() { started <- cmd.Start() }
	return <-started
}

// starter runs functions on a thread that never ends: the kernel sends Pdeathsig with the end of the thread that started a process, and in programs
// that change namespaces threads come and go.
var starter = sync.OnceValue(func() chan<- func() {
	work := make(chan func())
	go func() {
		runtime.LockOSThread()
		for f := range work {
			f()
		}
	}()
	return work
})
