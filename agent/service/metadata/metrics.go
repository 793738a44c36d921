package metadata

import (
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// counts are since the agent started. They are safe for use by several goroutines.
type counts struct {
	connections atomic.Int64  // that are open
	refused     atomic.Uint64 // connections, since their client had too many

	mu       sync.Mutex
	byStatus map[int]uint64
}

// answered counts a request; status 0 is that of one whose client had gone.
func (c *counts) answered(status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byStatus == nil {
		c.byStatus = map[int]uint64{}
	}
	c.byStatus[status]++
}

// Status is how the service is, for people.
type Status struct {
	Requests    map[int]uint64 `json:"requests"`    // answered, by status
	Connections int64          `json:"connections"` // open
	Refused     uint64         `json:"refused"`     // connections of clients that had too many
}

// Status returns how the service is now.
func (s *Service) Status() Status {
	s.counts.mu.Lock()
	defer s.counts.mu.Unlock()
	now := Status{Requests: map[int]uint64{}, Connections: s.counts.connections.Load(), Refused: s.counts.refused.Load()}
	for status, n := range s.counts.byStatus {
		now.Requests[status] = n
	}
	return now
}

// Descriptions of the metrics.
var (
	descRequests = prometheus.NewDesc("midonet_agent_metadata_requests_total",
		"Requests of workloads to the metadata service, by the status of the answer.", []string{"status"}, nil)
	descConnections = prometheus.NewDesc("midonet_agent_metadata_connections", "Connections of workloads to the metadata service.", nil, nil)
	descRefused     = prometheus.NewDesc("midonet_agent_metadata_refused_total",
		"Connections to the metadata service that were refused because their workload had too many.", nil, nil)
)

// Describe is of prometheus.Collector.
func (s *Service) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(s, ch) }

// Collect is of prometheus.Collector.
func (s *Service) Collect(ch chan<- prometheus.Metric) {
	now := s.Status()
	now.Requests[http.StatusOK] += 0 // is shown before the first
	for status, n := range now.Requests {
		ch <- prometheus.MustNewConstMetric(descRequests, prometheus.CounterValue, float64(n), strconv.Itoa(status))
	}
	ch <- prometheus.MustNewConstMetric(descConnections, prometheus.GaugeValue, float64(now.Connections))
	ch <- prometheus.MustNewConstMetric(descRefused, prometheus.CounterValue, float64(now.Refused))
}
