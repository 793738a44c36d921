package stream

import (
	"context"
	"fmt"
	"net"
	"os"
	"time"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/topology/topologypb"
)

// Listen opens the addresses ("tcp://host:port", "unix:/path") or none of them. The socket file that a dead server left behind is
// replaced; one that somebody serves is an error.
func Listen(ctx context.Context, addresses ...string) (listeners []net.Listener, err error) {
	defer func() {
		if err != nil {
			for _, l := range listeners {
				l.Close()
			}
			listeners = nil
		}
	}()
	for _, a := range addresses {
		network, address, err := topologypb.SplitAddress(a)
		if err != nil {
			return listeners, err
		}
		if network == "unix" {
			if err := clearSocket(address); err != nil {
				return listeners, err
			}
		}
		l, err := new(net.ListenConfig).Listen(ctx, network, address)
		if err != nil {
			return listeners, errs.New(errs.Unavailable, "CannotListen", "the agents' address %s cannot be served", a).Wrap(err)
		}
		listeners = append(listeners, l)
	}
	return listeners, nil
}

// clearSocket removes a socket file that nobody answers on.
func clearSocket(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return nil // nothing there, or Listen will say what is wrong
	}
	if info.Mode()&os.ModeSocket == 0 {
		return errs.New(errs.Conflict, "CannotListen", "%s exists and is no socket", path)
	}
	if c, err := net.DialTimeout("unix", path, time.Second); err == nil {
		c.Close()
		return errs.New(errs.Conflict, "CannotListen", "another server answers on %s", path)
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("removing a stale socket: %w", err)
	}
	return nil
}

// HostNames returns the host parts of addresses that a server listens on, for its certificate (pki.Open).
func HostNames(addresses ...string) []string {
	var names []string
	for _, a := range addresses {
		network, address, err := topologypb.SplitAddress(a)
		if err != nil || network != "tcp" {
			continue
		}
		if host, _, err := net.SplitHostPort(address); err == nil && host != "" {
			names = append(names, host)
		}
	}
	return names
}
