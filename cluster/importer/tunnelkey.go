package importer

import (
	"encoding/binary"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/topology"
)

// maxTunnelKey is the largest tunnel key: 20 bits, so that there is room beside it in the 24 bits of a VXLAN network identifier.
const maxTunnelKey = 1<<20 - 1

// tunnelKeys knows which port has which tunnel key.
//
// A key is handed out again as late as possible (the search goes on from the last one, and around): for a moment after a port has
// gone, other hosts may still send to its key, and those packets must not reach another network.
type tunnelKeys struct {
	byPort   map[topology.PortID]uint32
	byNumber map[uint32]topology.PortID
	last     uint32
}

func newTunnelKeys() *tunnelKeys {
	return &tunnelKeys{byPort: map[topology.PortID]uint32{}, byNumber: map[uint32]topology.PortID{}}
}

// take records that the port has the key. It reports whether that is possible: the number is in range, and neither is taken.
func (k *tunnelKeys) take(port topology.PortID, number uint32) bool {
	_, taken := k.byNumber[number]
	if number < 1 || number > maxTunnelKey || taken || k.byPort[port] != 0 {
		return false
	}
	k.byPort[port], k.byNumber[number] = number, port
	k.last = max(k.last, number)
	return true
}

// reserve records that a port which is not rendered has the key, if nobody else has. The search for a free one does not go on from it.
func (k *tunnelKeys) reserve(port topology.PortID, number uint32) {
	last := k.last
	k.take(port, number)
	k.last = last
}

// learn records a reservation that is stored, whatever was known before.
func (k *tunnelKeys) learn(r *topology.TunnelKey) {
	if r.Number < 1 || r.Number > maxTunnelKey {
		return
	}
	delete(k.byPort, k.byNumber[r.Number])
	k.release(r.Port)
	k.byPort[r.Port], k.byNumber[r.Number] = r.Number, r.Port
	if !r.ByOperator {
		k.last = r.Number
	}
}

// assign returns the port's key, a new one if it has none.
func (k *tunnelKeys) assign(port topology.PortID) (number uint32, fresh bool, err error) {
	if number := k.byPort[port]; number != 0 {
		return number, false, nil
	}
	if len(k.byNumber) == maxTunnelKey {
		return 0, false, errs.New(errs.Unavailable, "TunnelKeysExhausted", "All %d tunnel keys are in use; no port can be added", maxTunnelKey)
	}
	for number = k.last%maxTunnelKey + 1; ; number = number%maxTunnelKey + 1 {
		if _, taken := k.byNumber[number]; !taken {
			break
		}
	}
	k.byPort[port], k.byNumber[number] = number, port
	k.last = number
	return number, true, nil
}

// release frees the key of a port that has gone.
func (k *tunnelKeys) release(port topology.PortID) {
	delete(k.byNumber, k.byPort[port])
	delete(k.byPort, port)
}

// holder returns the port that has the tunnel key whose reservation has the key.
func (k *tunnelKeys) holder(reservation topology.Key) (port topology.PortID, ok bool) {
	if reservation.Kind != topology.KindTunnelKey {
		return port, false
	}
	port, ok = k.byNumber[binary.BigEndian.Uint32(reservation.ID[12:])]
	return port, ok
}
