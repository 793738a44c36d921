package ebpf

import (
	"errors"
	"slices"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flow"
)

// Execute implements datapath.Datapath. Every packet goes to the program behind the inject device with its actions in a slot
// beside it, so that rewriting, tunnelling and offloads are the same code as for a flow's packets. More than MaxOutputs outputs
// take several slots. An error means that the datapath is closed.
func (d *Datapath) Execute(packets []datapath.Packet) error {
	d.mu.RLock()
	defer d.mu.RUnlock()
	d.sender.mu.Lock()
	defer d.sender.mu.Unlock()
	failed := 0
	for i := range packets {
		failed += d.queue(&packets[i])
	}
	sendFailed, err := d.sender.flush()
	if failed += sendFailed; failed > 0 {
		err = errors.Join(err, d.addTo(counterSendErrors, failed))
	}
	return err
}

// queue puts the packet into the sender, once for each MaxOutputs of its outputs, and returns how many of these failed.
func (d *Datapath) queue(p *datapath.Packet) (failed int) {
	for outputs := range slices.Chunk(p.Actions.Outputs, datapath.MaxOutputs) {
		actions := encodeActions(&p.Actions)
		missing := d.encodeOutputs(outputs, &actions)
		if failed += missing; missing == len(outputs) {
			continue
		}
		if d.sender.full() {
			n, err := d.sender.flush()
			if failed += n; err != nil {
				failed++
				continue
			}
		}
		if d.sender.add(p.Frame, p.Offload, &actions) != nil {
			failed++
		}
	}
	return failed
}

// encodeOutputs writes the outputs that exist and returns the number of those that do not. There are MaxOutputs at most.
func (d *Datapath) encodeOutputs(outputs []flow.Output, to *bpfActions) (missing int) {
	var room [datapath.MaxOutputs]target
	targets := room[:0]
	for _, o := range outputs {
		t, err := d.encodeOutput(o)
		if err != nil {
			missing++
			continue
		}
		targets = append(targets, t)
	}
	to.setOutputs(targets)
	return missing
}
