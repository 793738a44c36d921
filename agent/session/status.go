package session

import (
	"log/slog"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/peer"

	"midonet.org/midonet/errs"
)

// Status says how the session is doing.
type Status struct {
	HostID             string    `json:"host_id"`
	HostName           string    `json:"host_name"`
	Addresses          []string  `json:"addresses"` // of the cluster
	Joined             bool      `json:"joined"`
	Connected          bool      `json:"connected"`
	Since              time.Time `json:"since"`       // of Connected; the agent's start before the first connection
	Server             string    `json:"server"`      // the address that answered, last
	Revision           uint64    `json:"revision"`    // of the topology as known here
	Objects            int       `json:"objects"`     // known here
	LastReport         time.Time `json:"last_report"` // that the cluster took
	LastError          string    `json:"last_error"`  // why there is no connection or a report was refused; empty when all is well
	CertificateExpires time.Time `json:"certificate_expires"`
}

// Status returns how the session is doing.
func (s *Session) Status() Status {
	st := s.status.get()
	st.HostID, st.HostName, st.Addresses = s.host.String(), s.HostName, s.addresses()
	if st.Since.IsZero() {
		st.Since = s.started
	}
	if i := s.identity.Load(); i.cert != nil {
		st.Joined, st.CertificateExpires = true, i.cert.NotAfter
	}
	return st
}

// statusKeeper collects what the session's goroutines learn of the connection. It also keeps the log quiet: a failure is logged
// when it begins or becomes another one, not at each try.
type statusKeeper struct {
	mu       sync.Mutex
	now      Status
	watchErr string
	callErr  string
}

func (k *statusKeeper) get() Status {
	k.mu.Lock()
	defer k.mu.Unlock()
	st := k.now
	if st.LastError = k.watchErr; st.LastError == "" {
		st.LastError = k.callErr
	}
	return st
}

func (k *statusKeeper) restored(objects int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.now.Objects = objects
}

// received notes an update from the cluster.
func (k *statusKeeper) received(log *slog.Logger, stream grpc.ClientStream, revision uint64, objects int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.now.Revision, k.now.Objects = revision, objects
	if k.now.Connected {
		return
	}
	k.now.Connected, k.now.Since, k.watchErr = true, time.Now(), ""
	if p, ok := peer.FromContext(stream.Context()); ok {
		k.now.Server = p.Addr.String()
	}
	log.Info("connected to the cluster", "server", k.now.Server, "revision", revision, "objects", objects)
}

// failed notes that there is no connection.
func (k *statusKeeper) failed(log *slog.Logger, what string, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.now.Connected || k.now.Since.IsZero() {
		k.now.Connected, k.now.Since = false, time.Now()
	}
	if text := err.Error(); text != k.watchErr {
		k.watchErr = text
		log.Warn(what, "error", err)
	}
}

// reported notes how a report went.
func (k *statusKeeper) reported(log *slog.Logger, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err == nil {
		k.now.LastReport, k.callErr = time.Now(), ""
		return
	}
	if text := err.Error(); text != k.callErr {
		k.callErr = text
		log.Warn("the cluster did not take a report", "error", err)
	}
}

// unavailable returns the error for a call that could not be made, with the reason if one is known.
func (k *statusKeeper) unavailable(what string) error {
	if why := k.get().LastError; why != "" {
		what += ": " + why
	}
	return errs.New(errs.Unavailable, "ClusterUnavailable", "%s", what)
}
