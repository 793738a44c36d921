package view

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
	"net/netip"

	"midonet.org/midonet/id"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// key is what a table finds an entry by: an identifier, an object's key, an address or a MAC, always in the same three words. Keys of
// one table are all of one sort.
type key struct {
	hi, lo uint64
	sort   uint8 // of objects the kind, of addresses the length; else 0
}

func keyOf(octets [16]byte, sort uint8) key {
	return key{binary.LittleEndian.Uint64(octets[:]), binary.LittleEndian.Uint64(octets[8:]), sort}
}

func idKey[T any](u id.ID[T]) key { return keyOf(u, 0) }

func objectKey(k topology.Key) key { return keyOf(k.ID, uint8(k.Kind)) }

func addrKey(a netip.Addr) key { return keyOf(a.As16(), uint8(a.BitLen())) }

func macKey(hw mac.Addr) key {
	return key{lo: uint64(binary.LittleEndian.Uint32(hw[:])) | uint64(binary.LittleEndian.Uint16(hw[4:]))<<32}
}

// seeds make keys that collide differ between runs, so that nobody can choose them; and with them the order of iteration.
var seeds = [2]uint64{rand.Uint64() | 1, rand.Uint64() | 1}

// hash folds the product of the two halves, as wyhash does: a table's keys are identifiers, which are random, or a few addresses.
func (k key) hash() uint64 {
	hi, lo := bits.Mul64(k.hi^seeds[0], k.lo^seeds[1]^uint64(k.sort)<<56)
	return hi ^ lo
}
