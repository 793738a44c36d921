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
	local, err := isLoopback(address)
	if err != nil || local {
		return err
	}
	return errs.New(errs.Forbidden, "OpenNoauth",
		"auth_strategy = noauth on %s would let everyone who reaches that address administer the cloud: use a loopback address", address)
}

// refuseKnownPassword keeps a MidoNet API whose password everyone knows on loopback.
func refuseKnownPassword(o *config.Options, address string) error {
	if o.AuthStrategy == "keystone" {
		return nil // the account is not taken
	}
	if o.MidoNet.Password != "" && o.MidoNet.Password != config.DefaultMidoNetPassword || strings.HasPrefix(address, "unix:") {
		return nil
	}
	local, err := isLoopback(address)
	if err != nil || local {
		return err
	}
	return errs.New(errs.Forbidden, "KnownPassword", "the MidoNet API on %s with the default password would let everyone who reaches that "+
		"address administer the cloud: set [midonet] password, or use a loopback address", address)
}

// isLoopback reports whether only this machine reaches the address of the form host:port.
func isLoopback(address string) (bool, error) {
	host, _, err := net.SplitHostPort(strings.TrimPrefix(address, "tcp://"))
	if err != nil {
		return false, errs.New(errs.Invalid, "BadAddress", "%q is not an address of the form host:port", address)
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback(), nil
}
