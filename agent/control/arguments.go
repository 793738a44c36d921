package control

import (
	"midonet.org/midonet/errs"
	"midonet.org/midonet/id"
	"midonet.org/midonet/topology"
)

// CheckInterface refuses what cannot be the name of an interface, before anyone is asked.
func CheckInterface(name string) error {
	if !topology.ValidInterfaceName(name) {
		return errs.New(errs.Invalid, "BadInterface", "%q is not an interface name: 1 to %d characters without '/', ':' and space",
			name, topology.MaxInterfaceName)
	}
	return nil
}

// ParsePort reads the UUID of a port.
func ParsePort(s string) (topology.PortID, error) {
	port, err := id.Parse[topology.Port](s)
	if err != nil || port.IsZero() {
		return port, errs.New(errs.Invalid, "BadPort", "%q is not the UUID of a port", s)
	}
	return port, nil
}
