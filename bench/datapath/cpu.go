package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const threadSelf = "/proc/thread-self"

// kernelThreads are those that forward what a sender does not.
var kernelThreads = findKernelThreads()

func findKernelThreads() (dirs []string) {
	names, _ := filepath.Glob("/proc/[0-9]*/comm") // the pattern is right
	for _, name := range names {
		if text, err := os.ReadFile(name); err == nil && strings.HasPrefix(string(text), "ksoftirqd/") {
			dirs = append(dirs, filepath.Dir(name))
		}
	}
	return dirs
}

// cpuTime returns how long the threads in these /proc directories, and the kernel's, have run.
func cpuTime(dirs ...string) (total time.Duration) {
	for _, dir := range slices.Concat(dirs, kernelThreads) {
		text, err := os.ReadFile(filepath.Join(dir, "schedstat"))
		var ns int64
		if err == nil {
			_, err = fmt.Sscan(string(text), &ns)
		}
		if err == nil {
			total += time.Duration(ns)
		}
	}
	return total
}

// threadsOf returns the /proc directories of a process's threads.
func threadsOf(pid int) []string {
	dirs, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/[0-9]*", pid)) // the pattern is right
	return dirs
}

// processTime returns how long this process has run, all its threads, and threadTime how long the calling thread has.
func processTime() time.Duration { return usage(unix.RUSAGE_SELF) }

func threadTime() time.Duration { return usage(unix.RUSAGE_THREAD) }

func usage(who int) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(who, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
