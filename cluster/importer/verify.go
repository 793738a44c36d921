package importer

import (
	"context"
	"time"

	"midonet.org/midonet/topology"
)

const (
	// verifyAfter is when, after an importer has taken over, it compares everything, which takes the machine some seconds.
	verifyAfter = 10 * time.Second
	// verifications is how many comparisons in a row a difference must be found by. Each is made while tasks are applied, and so finds some
	// of what is changing.
	verifications = 3
)

// verdict is what comparing everything beside the drain has shown.
type verdict struct {
	sound bool
	unfit map[topology.Key]int
}

// verify compares everything that is stored with a full rendering, beside the drain, and tells once how it is. An importer that has taken over
// must still find out: its program or its configuration may be newer than its predecessor's. It tells nothing when ctx ends first.
func (i *Importer) verify(ctx context.Context) <-chan verdict {
	told := make(chan verdict, 1)
	i.verifying.Go(func() {
		select {
		case <-time.After(i.verifyAfter):
		case <-ctx.Done():
			return
		}
		v, err := i.compareAlive(ctx)
		if err == nil {
			told <- v
		} else if ctx.Err() == nil {
			i.log.Error("what is stored cannot be compared with what Neutron has; it is before this server's next turn", "error", err)
		}
	})
	return told
}

// compareAlive compares while tasks are applied.
func (i *Importer) compareAlive(ctx context.Context) (verdict, error) {
	var differ map[topology.Key]bool // in each comparison so far
	var s *state
	for n := range verifications {
		snapshot, err := i.store.View(ctx)
		if err != nil {
			return verdict{}, err
		}
		var repairs delta
		if s, repairs, err = i.compare(ctx, snapshot.Objects); err != nil {
			return verdict{}, err
		}
		still := map[topology.Key]bool{}
		for key := range repairs {
			if n == 0 || differ[key] {
				still[key] = true
			}
		}
		if differ = still; len(differ) == 0 {
			break
		}
	}
	return verdict{sound: len(differ) == 0, unfit: s.unfit}, nil
}
