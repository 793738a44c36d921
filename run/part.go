package run

import (
	"context"
	"errors"
	"fmt"

	"github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sync/errgroup"
)

// part is one of the things that a role does all the time: it runs until its context ends or it fails.
type part struct {
	name string
	run  func(context.Context) error
}

// runAll runs the parts until ctx ends or one of them fails; then all of them end. The error says which part it was. A service manager is told of
// both (sd_notify(3)): whoever it has started next finds the addresses listened at.
func runAll(ctx context.Context, parts []part) error {
	group, ctx := errgroup.WithContext(ctx)
	tellManager(daemon.SdNotifyReady)
	context.AfterFunc(ctx, func() { tellManager(daemon.SdNotifyStopping) })
	for _, p := range parts {
		group.Go(func() error {
			if err := p.run(ctx); err != nil && !errors.Is(err, context.Canceled) {
				return fmt.Errorf("%s: %w", p.name, err)
			}
			return nil
		})
	}
	return group.Wait()
}

// tellManager tells the service manager, where one has started this process and wants to know. One that cannot be reached finds out by its own time-outs.
func tellManager(state string) { _, _ = daemon.SdNotify(false, state) }
