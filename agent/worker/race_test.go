package worker

import (
	"sync"
	"testing"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/topology"
)

// interrupting is a datapath that changes the topology just before a flow gets in, if it can.
type interrupting struct {
	datapath.Datapath
	change func()
}

func (d *interrupting) Install(flows []flow.Flow) error {
	d.change()
	return d.Datapath.Install(flows)
}

// TestAnswerOfAnOldViewDoesNotOutliveTheChange tries to change the topology when a flow was computed on the old view and is not yet
// in the datapath. If that were possible, the change would find nothing to remove and the old answer would get in after it.
func TestAnswerOfAnOldViewDoesNotOutliveTheChange(t *testing.T) {
	b := newRig(t, 2)
	b.Apply(b.network.snapshot())
	unbind := view.Delta{Deletes: []topology.Key{{Kind: topology.KindBinding, ID: b.local[1].port}}}
	changed := make(chan struct{})
	b.cfg.Datapath = &interrupting{Datapath: b.datapath, change: func() {
		if b.mu.TryLock() { // deciding has let go of the order: the change gets in between
			b.mu.Unlock()
			b.Apply(unbind)
			close(changed)
			return
		}
		go func() {
			defer close(changed)
			b.Apply(unbind)
		}()
	}}
	b.miss(b.local[0], udp(b.local[0], b.local[1], 1))
	<-changed
	checkFlows(t, b.Worker, b.datapath)
}

// unplugging is a datapath that has something happen while ports are unplugged: in the midst of a change of the topology.
type unplugging struct {
	datapath.Datapath
	meanwhile func()
}

func (d *unplugging) RemovePorts(ports ...topology.PortID) error {
	d.meanwhile()
	return d.Datapath.RemovePorts(ports...)
}

// TestFlowsMadeInTheMidstOfAChangeStay has a packet come after the flows that a change touches were removed and before it is all done: its
// flow, as one that is adopted then, is of the new view.
func TestFlowsMadeInTheMidstOfAChangeStay(t *testing.T) {
	b := newRig(t, 3)
	b.Apply(b.network.snapshot())
	frame := udp(b.local[0], b.local[1], 1)
	b.miss(b.local[0], frame)
	down := *object[*topology.Port](b.network, topology.Key{Kind: topology.KindPort, ID: b.local[1].port})
	down.AdminUp = false
	b.cfg.Datapath = &unplugging{Datapath: b.datapath, meanwhile: func() {
		if got := b.datapath.keys(); len(got) != 0 {
			t.Errorf("flows %v are left, so that this test shows nothing", got)
		}
		b.miss(b.local[0], frame)
	}}
	b.Apply(view.Delta{
		Puts: []topology.Object{&down}, Deletes: []topology.Key{{Kind: topology.KindBinding, ID: b.local[2].port}},
	})
	if got := b.datapath.keys(); len(got) != 1 {
		t.Errorf("flows are %v, want the one that was made in the midst of the change", got)
	}
	checkFlows(t, b.Worker, b.datapath)
}

// TestServingWhileTheTopologyChanges does what an agent does all day, all at once, and then compares every flow with a
// simulation on the last view.
func TestServingWhileTheTopologyChanges(t *testing.T) {
	b := newRig(t, 8)
	b.Apply(b.network.snapshot())
	var all sync.WaitGroup
	all.Go(func() {
		for i := range 3000 {
			from, to := b.local[i%8], b.local[(i/8)%8]
			b.miss(from, udp(from, to, uint16(i)), udp(from, b.remote, uint16(i)))
		}
	})
	all.Go(func() {
		for i := range 1000 {
			binding := *object[*topology.Binding](b.network, topology.Key{Kind: topology.KindBinding, ID: b.local[i%8].port})
			if i/8%2 == 0 {
				binding.Host = b.other
			}
			b.Apply(view.Delta{Puts: []topology.Object{&binding}})
		}
	})
	all.Go(func() {
		for i := range 200 {
			b.SetInterfaces(b.interfaces()[:i%8])
			if err := b.sweep(); err != nil {
				t.Error(err)
			}
		}
	})
	all.Go(func() {
		for range 50 {
			if err := b.adopt(t.Context()); err != nil {
				t.Error(err)
			}
			b.Facts()
		}
	})
	all.Wait()
	checkFlows(t, b.Worker, b.datapath)
}
