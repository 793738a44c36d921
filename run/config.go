package run

import (
	"math"
	"net"
	"net/netip"
	"strings"

	"midonet.org/midonet/cluster/translate"
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

// rendering is the part of the options that the renderer needs.
func rendering(o *config.Options) translate.Settings {
	s := translate.Settings{DHCPLeaseSeconds: math.MaxUint32, DNSDomain: strings.TrimSuffix(o.DNSDomain, ".")}
	if o.DHCPLeaseDuration >= 0 {
		s.DHCPLeaseSeconds = uint32(o.DHCPLeaseDuration)
	}
	return s
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
