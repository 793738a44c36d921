package hostif

import (
	"context"
	"errors"

	"golang.org/x/sys/unix"
)

// Watch returns a channel that holds one token whenever interfaces or addresses changed since the last token was taken. A token
// says no more than that: the reader asks Interfaces again. So any number of changes cost one reading, and a burst that overflows
// the kernel's buffer (ENOBUFS) is one more change rather than a loss.
//
// The channel is closed when ctx ends, when the Host is closed or when the kernel's socket fails. A Host has one Watch.
func (h *Host) Watch(ctx context.Context) <-chan struct{} {
	changes := make(chan struct{}, 1)
	stop := context.AfterFunc(ctx, h.events.Close)
	go func() {
		defer close(changes)
		defer stop()
		for h.awaitChange() == nil {
			select {
			case changes <- struct{}{}:
			default: // a token is waiting already
			}
		}
	}()
	return changes
}

// awaitChange returns nil after the kernel reported a change, or reported that it could not report them all.
func (h *Host) awaitChange() error {
	if _, _, err := h.events.Receive(); err != nil && !errors.Is(err, unix.ENOBUFS) {
		return err
	}
	return nil
}
