package fake

import (
	"container/list"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/errs"
)

func (d *Datapath) installSeed(f *flow.Flow, actions flow.Actions) error {
	seed := *f.Seed
	seeds := d.seeds
	switch seed.Kind {
	case flow.Joins:
		var err error
		if seed.Answers, err = d.actions(seed.Answer, &seed.Answers); err != nil {
			return err
		}
	case flow.Answers:
		seeds = d.answers
	}
	if _, replaced := seeds[f.Key]; !replaced && len(seeds) == datapath.MaxSeeds {
		return errs.New(errs.Unavailable, "TooManySeeds", "there are %d seeds", datapath.MaxSeeds)
	}
	seeds[f.Key] = flow.Flow{Key: f.Key, Actions: actions, Seed: &seed}
	return nil
}

// begin makes the flows of the packet's connection, and returns the packet's, and what of the tunnel key tells another host of it; nil
// where there is no seed for it, or no room for the word.
func (d *Datapath) begin(in *port, p *packet.Packet) (e *list.Element, opening uint32) {
	key := flow.KeyOf(p, in.ID)
	f, ok := among(d.seeds, key)
	if !ok || !flow.Opens(p) || datapath.Refuses(&f.Actions, p, datapath.Offload{}) || !d.withinRate(in) || !d.withinShare(in.ID) {
		return nil, 0
	}
	birth := &datapath.Birth{Seed: f.Seed.Number, First: key}
	if f.Seed.Kind == flow.Leaves {
		opening = datapath.Opening
	} else {
		birth.Answer = f.Seed.AnswerTo(key)
		d.putNew(birth.Answer, f.Seed.Answers)
	}
	d.put(key, f.Actions)
	d.counters.Born++
	d.queue(datapath.Miss{InPort: in.ID, Born: birth})
	return d.flows[key], opening
}

// among returns the seed, of some, of a packet with the key.
func among(seeds map[flow.Key]flow.Flow, key flow.Key) (flow.Flow, bool) {
	for _, wide := range key.Wider() {
		if f, ok := seeds[wide]; ok {
			return f, true
		}
	}
	return flow.Flow{}, false
}

// open tells the agent of a connection that another host has begun by the frame, which comes out at the port, and makes the flow of its
// answers where there is a seed.
func (d *Datapath) open(at *port, frame []byte) {
	var p packet.Packet
	if err := packet.Parse(frame, &p); err != nil {
		return
	}
	answer := flow.AnswerKey(p.Header, at.ID)
	if len(answer.Wider()) == 0 {
		return
	}
	if !d.mayTell(datapath.OpeningsPerState) {
		d.counters.StatesLost++
		return
	}
	birth := &datapath.Birth{Answer: answer}
	if f, ok := among(d.answers, answer); ok && p.Proto == packet.ProtoTCP {
		birth.Seed = f.Seed.Number
		d.putNew(answer, f.Actions)
	}
	d.counters.States++
	d.queue(datapath.Miss{Born: birth})
}
