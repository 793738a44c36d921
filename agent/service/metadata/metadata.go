// Package metadata answers workloads that ask who they are: the HTTP service at 169.254.169.254 and fe80::a9fe:a9fe, on the workload's
// own host.
//
// Connections come by a stub network (package hostif/stub), to an address that stands for the workload's port (view.MetadataAddr) and
// from the workload's own address: the flow cache sees to that, and nothing that a client says decides who it is. What is answered
// is up to an Answerer: Nova, which is asked in the client's name with the signed headers that Neutron's metadata agent sends, or what
// the topology itself says.
//
// A client has at most maxPerClient connections at a time. Requests and their bodies are bounded, and so is the time that they take.
package metadata

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// Bounds of a request.
const (
	maxHeader  = 16 << 10
	maxBody    = 64 << 10 // a password that is posted has 1020 octets at most (nova/api/metadata/password.py)
	headerTime = 10 * time.Second
	readTime   = 20 * time.Second
	writeTime  = 90 * time.Second // the answerer's time and the client's
	idleTime   = 30 * time.Second
)

// shutdownTime is how long requests under way may take to end when the service ends.
const shutdownTime = time.Second

// Client is a workload that asks.
type Client struct {
	Port      topology.PortID
	MAC       mac.Addr
	Device    string       // Neutron's device_id: the UUID of the instance
	Project   string       // the port's
	From      netip.Addr   // where it asks from
	Addresses []netip.Addr // the port's own
	Hostname  string       // as DHCP gives it; empty where it gives none
}

// Answerer answers requests of clients that are known.
type Answerer interface {
	Answer(w http.ResponseWriter, r *http.Request, c Client)
}

// Service is the HTTP service. It is a prometheus.Collector.
type Service struct {
	view     func() *view.View
	answerer Answerer
	log      *slog.Logger
	counts   counts
}

// New returns a service for the clients in the present view.
func New(now func() *view.View, a Answerer, log *slog.Logger) *Service {
	return &Service{view: now, answerer: a, log: log}
}

// Serve answers on the listener until ctx ends.
func (s *Service) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler: s, MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		ReadHeaderTimeout: headerTime, ReadTimeout: readTime, WriteTimeout: writeTime, IdleTimeout: idleTime,
		ConnContext: func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, connKey{}, c) },
	}
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
		defer cancel()
		if server.Shutdown(grace) != nil {
			server.Close()
		}
	})
	err := server.Serve(newLimiter(l, &s.counts))
	if !stop() {
		<-ended
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// connKey is the context's key for the net.Conn that a request came by.
type connKey struct{}

// ServeHTTP finds out who asks, from the connection alone, and has the request answered.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer := &recorder{ResponseWriter: w}
	defer func() { s.counts.answered(answer.status) }()
	conn, ok := r.Context().Value(connKey{}).(net.Conn)
	if !ok {
		refuse(answer, http.StatusInternalServerError, unknownError)
		return
	}
	client, known := clientOf(s.view(), addrOf(conn.LocalAddr()), addrOf(conn.RemoteAddr()))
	switch {
	case !methods[r.Method]:
		answer.Header().Set("Allow", allowed)
		refuse(answer, http.StatusMethodNotAllowed, "The method "+strconv.Quote(r.Method)+" is not allowed for this resource.")
	case !known || client.Device == "":
		s.log.Debug("metadata asked for by a port that is no instance's", "port", client.Port)
		refuse(answer, http.StatusNotFound, notFound)
	default:
		r.Body = http.MaxBytesReader(answer, r.Body, maxBody)
		s.answerer.Answer(answer, r, client)
	}
}

// clientOf returns who is behind the address that the service was reached at.
func clientOf(v *view.View, at, from netip.Addr) (Client, bool) {
	p := v.MetadataClient(at)
	if p == nil {
		return Client{}, false
	}
	c := Client{Port: p.ID, Device: p.Device, Project: p.ProjectID, From: from.WithZone("")}
	c.MAC, _ = v.MACOf(p.ID)
	for _, h := range v.DHCPHosts(p.Bridge, c.MAC) {
		if h.Port != p.ID {
			continue
		}
		c.Addresses = append(c.Addresses, h.Addr)
		if c.Hostname == "" || h.Addr.Is4() {
			c.Hostname = h.Hostname
		}
	}
	return c, true
}

func addrOf(a net.Addr) netip.Addr {
	t, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	return t.AddrPort().Addr().Unmap()
}
