package topologypb

import (
	"net"
	"path/filepath"
	"strings"

	"midonet.org/midonet/errs"
)

// SplitAddress reads the address of a stream server, "tcp://host:port" or "unix:/path", and returns what package net wants.
func SplitAddress(s string) (network, address string, err error) {
	if path, ok := strings.CutPrefix(s, "unix:"); ok {
		path = strings.TrimPrefix(path, "//") // unix:///path is another way to write it
		if !filepath.IsAbs(path) {
			return "", "", errs.New(errs.Invalid, "BadAddress", "%q: the path of a Unix socket must be absolute", s)
		}
		return "unix", path, nil
	}
	hostPort, ok := strings.CutPrefix(s, "tcp://")
	if !ok {
		return "", "", errs.New(errs.Invalid, "BadAddress", "%q is neither tcp://HOST:PORT nor unix:/PATH", s)
	}
	if _, port, err := net.SplitHostPort(hostPort); err != nil || port == "" {
		return "", "", errs.New(errs.Invalid, "BadAddress", "%q has no port: write tcp://HOST:PORT", s)
	}
	return "tcp", hostPort, nil
}
