package worker

import (
	"time"

	"midonet.org/midonet/agent/sim"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// learnedLife is how long a learned station stays after its last use (midolman: agent.bridge.mac_port_mapping_expire).
const learnedLife = 15 * time.Second

// maxLearnedPerPort bounds what one workload can make every host of its network remember, and be told of, by inventing source addresses. A port
// that has so many keeps them: frames to others behind it go to all ports of their network, until one that it has falls silent.
const maxLearnedPerPort = 256

// source is a station as packets show it.
type source struct {
	Port topology.PortID
	MAC  mac.Addr
}

// station is a learned station's record and when it was last seen sending.
type station struct {
	record *topology.LearnedMAC
	used   time.Time
}

// learnedTable is the stations that this host has learned. It is the truth about them: what the cluster echoes of them is ignored.
type learnedTable struct {
	bySource map[source]*station
	byID     map[topology.LearnedMACID]source
	perPort  map[topology.PortID]int
	refused  uint64 // how often a station was not learned, since its port had too many
}

func newLearnedTable() *learnedTable {
	return &learnedTable{
		bySource: map[source]*station{}, byID: map[topology.LearnedMACID]source{}, perPort: map[topology.PortID]int{},
	}
}

// learn records what a simulation saw and returns the new record; nil when it is known already or the port has too many. A
// station that moved from one port of its bridge to another is taken away from the first; gone says that it was and has no record now.
func (t *learnedTable) learn(l sim.Learned, host topology.HostID, now time.Time) (record *topology.LearnedMAC, gone bool) {
	s := source{l.Port, l.MAC}
	if t.touch(s, now) {
		return nil, false
	}
	record = topology.NewLearnedMAC(l.Bridge, l.MAC, l.Port, host)
	moved := t.owns(record.ID)
	t.forget(record.ID)
	if t.full(l.Port) {
		t.refused++
		return nil, moved
	}
	t.bySource[s] = &station{record: record, used: now}
	t.byID[record.ID] = s
	t.perPort[l.Port]++
	return record, false
}

// full reports whether no other station is learned behind the port.
func (t *learnedTable) full(p topology.PortID) bool { return t.perPort[p] >= maxLearnedPerPort }

// touch notes that the station sent at the given time and reports whether it is a learned one.
func (t *learnedTable) touch(s source, at time.Time) bool {
	known, ok := t.bySource[s]
	if ok && at.After(known.used) {
		known.used = at
	}
	return ok
}

// owns reports whether the record is of this table.
func (t *learnedTable) owns(id topology.LearnedMACID) bool {
	_, ok := t.byID[id]
	return ok
}

// forget drops a record; dropping what is not there changes nothing.
func (t *learnedTable) forget(id topology.LearnedMACID) {
	s, ok := t.byID[id]
	if !ok {
		return
	}
	delete(t.byID, id)
	delete(t.bySource, s)
	if t.perPort[s.Port]--; t.perPort[s.Port] == 0 {
		delete(t.perPort, s.Port)
	}
}

// expire drops the records that were not used for learnedLife, and those of ports that are not plugged in any more, and returns
// what takes them out of the view.
func (t *learnedTable) expire(now time.Time, plugged func(topology.PortID) bool) view.Delta {
	var d view.Delta
	for s, known := range t.bySource {
		if now.Sub(known.used) >= learnedLife || !plugged(s.Port) {
			d.Deletes = append(d.Deletes, known.record.Key())
			t.forget(known.record.ID)
		}
	}
	return d
}

// records returns a copy of every record.
func (t *learnedTable) records() []*topology.LearnedMAC {
	all := make([]*topology.LearnedMAC, 0, len(t.bySource))
	for _, s := range t.bySource {
		all = append(all, s.record)
	}
	return all
}
