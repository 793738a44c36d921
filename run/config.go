package run

import (
	"net"
	"net/netip"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/config"
)

// readConfig reads the files, logs what is odd in them and refuses what cannot be served.
func readConfig(c ServerConfig) (*config.Options, error) {
	options, warnings, err := config.Load(c.ConfigFiles...)
	if err != nil {
		return nil, err
	}
	for _, w := range warnings {
		c.Log.Warn("configuration", "warning", w)
	}
	return options, nil
}

// refuseOpenNoauth keeps a server without authentication on loopback: on any other address whoever reaches it administers it.
func refuseOpenNoauth(strategy, address string) error {
	if strategy != "noauth" {
		return nil
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return errs.New(errs.Invalid, "BadAddress", "%q is not an address of the form host:port", address)
	}
	if ip, err := netip.ParseAddr(host); host == "localhost" || err == nil && ip.IsLoopback() {
		return nil
	}
	return errs.New(errs.Forbidden, "OpenNoauth",
		"auth_strategy = noauth on %s would let everyone who reaches that address administer the cloud: use a loopback address", address)
}
