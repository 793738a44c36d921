package operator

import (
	"math/rand/v2"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/topology"
)

const (
	// tunnelKeys is how many there are from topology.FirstOperatorTunnelKey on.
	tunnelKeys = 1 << 19
	// tunnelKeyTries is how many random keys are looked at. Where half of them are taken, one in 2⁶⁴ edits finds none.
	tunnelKeyTries = 64
)

// tunnelKey reserves a free tunnel key for the port. A random one is unlikely to be that of a port which has just gone.
func (e *Edit) tunnelKey(port topology.PortID) (uint32, error) {
	for range tunnelKeyTries {
		r := &topology.TunnelKey{Made: topology.Operators, Number: topology.FirstOperatorTunnelKey + rand.N[uint32](tunnelKeys), Port: port}
		if e.State.Get(r.Key()) != nil {
			continue
		}
		taken, err := e.tx.Get(r.Key())
		if err != nil {
			return 0, err
		}
		if taken == nil {
			e.tx.Put(r)
			return r.Number, nil
		}
	}
	return 0, errs.New(errs.Unavailable, "TunnelKeysExhausted", "No tunnel key is free; no port can be added.")
}
