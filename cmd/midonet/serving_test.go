package main

import (
	"context"
	"log/slog"
	"os"
	"syscall"
	"testing"
	"time"
)

// patience is how long a test waits for what must come.
const patience = time.Minute

// told is a log that says when it has a line.
type told chan string

func (t told) Write(line []byte) (int, error) {
	t <- string(line)
	return len(line), nil
}

func TestHangup(t *testing.T) {
	lines := make(told, 1)
	log := slog.New(slog.NewTextHandler(lines, nil))

	ctx, stop := serving(t.Context(), log, false)
	hangUp(t)
	select {
	case <-lines:
	case <-time.After(patience):
		t.Error("SIGHUP of a service is not logged")
	}
	if ctx.Err() != nil {
		t.Error("SIGHUP stops a service")
	}
	atTerminal, end := serving(context.WithoutCancel(ctx), log, true)
	hangUp(t)
	select {
	case <-atTerminal.Done():
	case <-time.After(patience):
		t.Error("a terminal that goes does not stop what runs in it")
	}
	end()
	stop()
}

func hangUp(t *testing.T) {
	t.Helper()
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
}
