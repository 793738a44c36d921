package fake

import (
	"container/list"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/errs"
)

func (d *Datapath) installSeed(f *flow.Flow, actions flow.Actions) error {
	answers, err := d.actions(f.Seed.Answer, &f.Seed.Answers)
	if err != nil {
		return err
	}
	if _, replaced := d.seeds[f.Key]; !replaced && len(d.seeds) == datapath.MaxSeeds {
		return errs.New(errs.Unavailable, "TooManySeeds", "there are %d seeds", datapath.MaxSeeds)
	}
	d.seeds[f.Key] = flow.Flow{Key: f.Key, Actions: actions, Seed: &flow.Seed{Number: f.Seed.Number, Answer: f.Seed.Answer, Answers: answers}}
	return nil
}

// begin makes the flows of the packet's connection, and returns the packet's; nil where there is no seed for it, or no room for the word.
func (d *Datapath) begin(in *port, p *packet.Packet) *list.Element {
	key := flow.KeyOf(p, in.ID)
	f, ok := d.seedOf(key)
	if !ok || !flow.Opens(p) || datapath.Refuses(&f.Actions, p, datapath.Offload{}) || !d.withinRate(in) || !d.withinShare(in.ID) {
		return nil
	}
	answer := f.Seed.AnswerTo(key)
	if d.flows[answer] == nil {
		d.put(answer, f.Seed.Answers)
	}
	d.put(key, f.Actions)
	d.counters.Born++
	d.queue(datapath.Miss{InPort: in.ID, Born: &datapath.Birth{Seed: f.Seed.Number, First: key, Answer: answer}})
	return d.flows[key]
}

func (d *Datapath) seedOf(key flow.Key) (flow.Flow, bool) {
	for _, wide := range key.Wider() {
		if f, ok := d.seeds[wide]; ok {
			return f, true
		}
	}
	return flow.Flow{}, false
}
