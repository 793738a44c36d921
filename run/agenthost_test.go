package run

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"midonet.org/midonet/agent/datapath/fake"
	"midonet.org/midonet/agent/flowstate"
	"midonet.org/midonet/agent/hostif"
	"midonet.org/midonet/agent/worker"
)

// reluctant is a datapath that does not take the tunnels' source at first.
type reluctant struct {
	*fake.Datapath
	asked atomic.Int32
}

func (d *reluctant) SetSource(endpoints []netip.Addr) error {
	if d.asked.Add(1) == 1 {
		return errors.New("not now")
	}
	return d.Datapath.SetSource(endpoints)
}

// TestTheUnderlayIsTriedAgain has an address come, once, that the datapath refuses and would take later.
func TestTheUnderlayIsTriedAgain(t *testing.T) {
	needsRoot(t)
	endpoint := netip.MustParsePrefix("192.0.2.1/32")
	inside := newSpace(t)
	a := &agent{AgentConfig: agentConfig(t)}
	a.AgentConfig.Underlay = []string{endpoint.Addr().String()}
	inside.do(func() (err error) {
		a.host, err = hostif.Open()
		return err
	})
	defer a.host.Close()
	states, err := flowstate.Open(flowstate.Config{Size: 16}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	defer states.Close()
	a.worker = worker.New(worker.Config{Datapath: &reluctant{Datapath: fake.New(fake.Config{})}, State: states, Log: a.Log, Now: time.Now})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.followHost(ctx) }()
	defer func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}()
	inside.up("lo", nil, endpoint)
	eventually(t, "the address is the host's endpoint", func() bool {
		return slices.Equal(a.worker.Facts().Endpoints, []netip.Addr{endpoint.Addr()})
	})
}
