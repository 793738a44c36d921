package worker

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"midonet.org/midonet/agent/flowstate"
	"midonet.org/midonet/agent/sim"
)

// dropReason says why a missed packet was not sent on.
type dropReason uint8

// The reasons.
const (
	dropNoView    dropReason = iota // the topology is not known yet
	dropUnplugged                   // its port is not plugged in any more
	dropMalformed                   // the frame cannot be parsed
	dropVirtual                     // the virtual network drops it
	dropError                       // it could not be decided
	dropFlood                       // its port has sent too much to all
	dropQuestions                   // its port has asked the metadata service too often
	dropWaiting                     // it had to wait and there was no room
	dropNoState                     // no room to remember its connection
	dropReasons
)

var dropNames = [dropReasons]string{"no_view", "unplugged", "malformed", "virtual", "error", "flood_rate", "metadata_rate", "no_room_to_wait", "no_room_for_connection"}

// counters are totals since the agent started. They are safe for use by several goroutines.
type counters struct {
	since         time.Time // when they began
	misses        atomic.Uint64
	born          atomic.Uint64
	opened        atomic.Uint64
	simulations   atomic.Uint64
	followed      atomic.Uint64
	simulateNanos atomic.Uint64
	installs      atomic.Uint64
	invalidations atomic.Uint64
	expirations   atomic.Uint64
	evictions     atomic.Uint64
	adopted       atomic.Uint64
	views         atomic.Uint64
	errors        atomic.Uint64 // refusals of the datapath
	drops         [dropReasons]atomic.Uint64
}

func newCounters() *counters { return &counters{since: time.Now()} }

// elapsed returns the time since the counters began. It costs one look at a clock, where time.Now takes two.
func (c *counters) elapsed() time.Duration { return time.Since(c.since) }

func (c *counters) drop(why dropReason, packets int) { c.drops[why].Add(uint64(packets)) }

func (c *counters) simulated(r *sim.Result, took time.Duration) {
	c.simulations.Add(1)
	c.simulateNanos.Add(uint64(took))
	if r.Followed {
		c.followed.Add(1)
	}
	switch {
	case r.Hushed:
		c.drop(dropFlood, 1)
	case r.Verdict == sim.Drop:
		c.drop(dropVirtual, 1)
	case r.Verdict == sim.Error:
		c.drop(dropError, 1)
	}
}

// Descriptions of the metrics, by what they count.
var (
	descMisses = prometheus.NewDesc("midonet_agent_misses_total",
		"Packets that the flow cache had no answer for and that the agent took.", nil, nil)
	descBorn = prometheus.NewDesc("midonet_agent_connections_begun_total",
		"Connections that the flow cache has begun and that the agent took note of.", nil, nil)
	descOpened = prometheus.NewDesc("midonet_agent_connections_opened_total",
		"Connections that another host's flow cache has begun and that the agent took note of.", nil, nil)
	descMissesLost = prometheus.NewDesc("midonet_agent_misses_lost_total",
		"Packets without an answer that were dropped because their port was over its rate or the queue was full.", nil, nil)
	descSimulations = prometheus.NewDesc("midonet_agent_simulations_total", "Packets simulated.", nil, nil)
	descFollowed    = prometheus.NewDesc("midonet_agent_simulations_followed_total",
		"Packets of those simulated that were taken the way of an earlier one, which their ports alone tell them from.", nil, nil)
	descSimulateTime = prometheus.NewDesc("midonet_agent_simulation_seconds_total", "Time spent in simulations.", nil, nil)
	descInstalls     = prometheus.NewDesc("midonet_agent_flows_installed_total", "Flows put into the cache.", nil, nil)
	descRemoved      = prometheus.NewDesc("midonet_agent_flows_removed_total",
		"Flows taken out of the cache, by cause.", []string{"cause"}, nil)
	descAdopted = prometheus.NewDesc("midonet_agent_flows_adopted_total", "Flows of an earlier agent that were kept.", nil, nil)
	descFlows   = prometheus.NewDesc("midonet_agent_flows", "Flows that the agent has installed and not removed.", nil, nil)
	descDrops   = prometheus.NewDesc("midonet_agent_drops_total",
		"Missed packets that were not sent on, by reason. Those that a flow drops afterwards are hits.", []string{"reason"}, nil)
	descViews     = prometheus.NewDesc("midonet_agent_views_total", "Changes of the topology that were applied.", nil, nil)
	descErrors    = prometheus.NewDesc("midonet_agent_datapath_refusals_total", "Calls that the datapath refused.", nil, nil)
	descPorts     = prometheus.NewDesc("midonet_agent_ports", "Ports plugged in.", nil, nil)
	descPeers     = prometheus.NewDesc("midonet_agent_tunnel_peers", "Hosts that this one can tunnel to.", nil, nil)
	descStates    = prometheus.NewDesc("midonet_agent_connection_states", "States of connections that are remembered.", nil, nil)
	descBlocks    = prometheus.NewDesc("midonet_agent_port_blocks", "Blocks of ports for source translation that this host holds.", nil, nil)
	descLots      = prometheus.NewDesc("midonet_agent_port_lots", "Lots of those ports that are given by the flow cache alone, one for each seed.", nil, nil)
	descLent      = prometheus.NewDesc("midonet_agent_ports_lent", "Ports in these lots.", nil, nil)
	descLearned   = prometheus.NewDesc("midonet_agent_learned_stations", "Stations learned from their packets.", nil, nil)
	descUnlearned = prometheus.NewDesc("midonet_agent_learned_stations_refused_total",
		"Packets whose sender was not learned, since its port had 256 stations.", nil, nil)
	descHits      = prometheus.NewDesc("midonet_agent_hits_total", "Packets that a flow forwarded or dropped.", nil, nil)
	descForgotten = prometheus.NewDesc("midonet_agent_connection_states_forgotten_total",
		"States of connections that were forgotten, by cause.", []string{"cause"}, nil)
	descStateMessages = prometheus.NewDesc("midonet_agent_state_messages_total", "Messages of other hosts about connections.", nil, nil)
	descTunnel        = prometheus.NewDesc("midonet_agent_tunnel_unknown_total",
		"Packets from other hosts for a tunnel key that no port here has.", nil, nil)
	descActionErrors = prometheus.NewDesc("midonet_agent_action_errors_total", "Packets that an action failed for.", nil, nil)
)

// Describe is of prometheus.Collector.
func (w *Worker) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(w, ch) }

// Collect is of prometheus.Collector.
func (w *Worker) Collect(ch chan<- prometheus.Metric) {
	count := func(d *prometheus.Desc, n float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, n, labels...)
	}
	c := w.counters
	count(descMisses, float64(c.misses.Load()))
	count(descBorn, float64(c.born.Load()))
	count(descOpened, float64(c.opened.Load()))
	count(descSimulations, float64(c.simulations.Load()))
	count(descFollowed, float64(c.followed.Load()))
	count(descSimulateTime, time.Duration(c.simulateNanos.Load()).Seconds())
	count(descInstalls, float64(c.installs.Load()))
	count(descRemoved, float64(c.invalidations.Load()), "change")
	count(descRemoved, float64(c.expirations.Load()), "age")
	count(descRemoved, float64(c.evictions.Load()), "room")
	count(descAdopted, float64(c.adopted.Load()))
	count(descViews, float64(c.views.Load()))
	count(descErrors, float64(c.errors.Load()))
	for why, name := range dropNames {
		count(descDrops, float64(c.drops[why].Load()), name)
	}
	w.collectDatapath(count)
	states, unlearned := w.collectGauges(ch)
	count(descUnlearned, float64(unlearned))
	count(descForgotten, float64(states.Expired), "age")
	count(descForgotten, float64(states.Evicted), "room")
	count(descStateMessages, float64(states.Messages))
}

// collectDatapath reports what the datapath counts; nothing when it cannot say.
func (w *Worker) collectDatapath(count func(*prometheus.Desc, float64, ...string)) {
	c, err := w.cfg.Datapath.Counters()
	if err != nil {
		return
	}
	count(descHits, float64(c.Hits))
	count(descMissesLost, float64(c.MissesLost))
	count(descTunnel, float64(c.TunnelUnknown))
	count(descActionErrors, float64(c.Errors))
}

// collectGauges reports what there is now, and returns what the states of connections tell beside that, and how often no station was learned.
func (w *Worker) collectGauges(ch chan<- prometheus.Metric) (states flowstate.Stats, unlearned uint64) {
	w.mu.Lock()
	states, unlearned = w.cfg.State.Stats(), w.learned.refused
	gauges := map[*prometheus.Desc]int{descFlows: w.flows.len(), descPorts: len(w.plugged), descLearned: len(w.learned.bySource), descPeers: w.peers(),
		descStates: states.States, descBlocks: states.Blocks, descLots: len(w.lots), descLent: w.lent()}
	w.mu.Unlock()
	for d, n := range gauges {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(n))
	}
	return states, unlearned
}
