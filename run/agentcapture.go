package run

import (
	"context"
	"io"

	"midonet.org/midonet/agent/capture"
	"midonet.org/midonet/errs"
)

// maxCaptures is how many captures an agent runs at a time: each keeps its port off the fastest way of delivery.
const maxCaptures = 8

// capture streams the packets of a port of this host; see control.Agent.
func (a *agent) capture(ctx context.Context, port string, count int, w io.Writer, flush func() error) error {
	if a.captures.Add(1) > maxCaptures {
		a.captures.Add(-1)
		return errs.New(errs.Unavailable, "TooManyCaptures", "%d captures run on this host already", maxCaptures)
	}
	defer a.captures.Add(-1)
	iface, unwatch, err := a.worker.Watch(port)
	if err != nil {
		return err
	}
	defer unwatch()
	source, err := capture.Open(iface)
	if err != nil {
		return err
	}
	defer source.Close()
	return source.Copy(ctx, w, count, flush)
}
