package worker

import (
	"encoding/binary"
	"testing"
	"time"

	"midonet.org/midonet/agent/sim"
	"midonet.org/midonet/id"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

func stationMAC(n int) mac.Addr {
	hw := mac.Addr{0x02}
	binary.BigEndian.PutUint32(hw[2:], uint32(n))
	return hw
}

func always(topology.PortID) bool { return true }

func TestLearnedStationsExpireAfterTheirLastUse(t *testing.T) {
	table, host, now := newLearnedTable(), id.New[topology.Host](), time.Unix(1000, 0)
	seen := sim.Learned{Bridge: id.New[topology.Bridge](), MAC: stationMAC(1), Port: id.New[topology.Port]()}
	if record, _ := table.learn(seen, host, now); record == nil {
		t.Fatal("a new station gave no record")
	}
	if record, _ := table.learn(seen, host, now.Add(10*time.Second)); record != nil {
		t.Error("a known station gave another record")
	}
	if d := table.expire(now.Add(24*time.Second), always); len(d.Deletes) != 0 {
		t.Errorf("expired %v 14 s after its last use", d.Deletes)
	}
	if d := table.expire(now.Add(25*time.Second), always); len(d.Deletes) != 1 || len(table.records()) != 0 {
		t.Errorf("15 s after its last use it is still there; deletes %v", d.Deletes)
	}
}

func TestLearnedStationMovesBetweenPorts(t *testing.T) {
	table, host, now := newLearnedTable(), id.New[topology.Host](), time.Unix(1000, 0)
	bridge, a, b := id.New[topology.Bridge](), id.New[topology.Port](), id.New[topology.Port]()
	first, _ := table.learn(sim.Learned{Bridge: bridge, MAC: stationMAC(1), Port: a}, host, now)
	second, _ := table.learn(sim.Learned{Bridge: bridge, MAC: stationMAC(1), Port: b}, host, now)
	if second == nil || second.ID != first.ID {
		t.Fatalf("the move gave %v, want a record that replaces %v", second, first)
	}
	if got := table.records(); len(got) != 1 || got[0].Port != b {
		t.Errorf("records are %v, want the station behind the second port alone", got)
	}
	if table.perPort[a] != 0 || table.perPort[b] != 1 {
		t.Errorf("counts are %v", table.perPort)
	}
}

func TestLearnedStationsAreBoundedByPort(t *testing.T) {
	table, host, now := newLearnedTable(), id.New[topology.Host](), time.Unix(1000, 0)
	bridge, noisy, quiet := id.New[topology.Bridge](), id.New[topology.Port](), id.New[topology.Port]()
	for n := range 10 * maxLearnedPerPort {
		table.learn(sim.Learned{Bridge: bridge, MAC: stationMAC(n), Port: noisy}, host, now)
	}
	if got := len(table.records()); got != maxLearnedPerPort {
		t.Errorf("%d stations of one port are remembered, want %d", got, maxLearnedPerPort)
	}
	if record, _ := table.learn(sim.Learned{Bridge: bridge, MAC: stationMAC(-1), Port: quiet}, host, now); record == nil {
		t.Error("a noisy port kept another port's station out")
	}
	d := table.expire(now, func(p topology.PortID) bool { return p == quiet })
	if len(d.Deletes) != maxLearnedPerPort || len(table.records()) != 1 {
		t.Errorf("unplugging the noisy port forgot %d stations and left %d", len(d.Deletes), len(table.records()))
	}
}
