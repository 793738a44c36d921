package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
)

// serving returns the context of what serves until it is stopped. SIGHUP, by which log rotation and operators have other services read their files
// again, would end the process where it is; here it changes nothing. That of a terminal which goes is a clean stop, unless nohup has had it ignored.
func serving(ctx context.Context, log *slog.Logger, terminal bool) (context.Context, context.CancelFunc) {
	if terminal && !signal.Ignored(syscall.SIGHUP) {
		return signal.NotifyContext(ctx, syscall.SIGHUP)
	}
	ctx, stop := context.WithCancel(ctx)
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	go func() {
		defer signal.Stop(hangups)
		for {
			select {
			case <-hangups:
				log.Info("SIGHUP changes nothing: policy files and certificates are read again by themselves, other files by a restart")
			case <-ctx.Done():
				return
			}
		}
	}()
	return ctx, stop
}

// hasTerminal reports whether the process has a terminal that may go.
func hasTerminal() bool {
	terminal, err := os.Open("/dev/tty")
	if err != nil {
		return false
	}
	terminal.Close()
	return true
}
