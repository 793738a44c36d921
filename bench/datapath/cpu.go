package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
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
