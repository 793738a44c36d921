package ml2

import (
	"math/bits"
	"math/rand/v2"
	"net/netip"
	"slices"

	"midonet.org/midonet/neutron/model"
)

// generatePools returns all the addresses of a range that ports may have, in one pool or in the two on either side of the gateway
// (neutron/ipam/utils.py, generate_pools).
func generatePools(cidr netip.Prefix, gateway netip.Addr) []model.AllocationPool {
	first, last := hostRange(cidr)
	if cidr.IsSingleIP() || !gateway.IsValid() || gateway.Less(first) || last.Less(gateway) {
		return []model.AllocationPool{{Start: first, End: last}}
	}
	pools := []model.AllocationPool{}
	if first.Less(gateway) {
		pools = append(pools, model.AllocationPool{Start: first, End: gateway.Prev()})
	}
	if gateway.Less(last) {
		pools = append(pools, model.AllocationPool{Start: gateway.Next(), End: last})
	}
	return pools
}

// hostRange returns the first and the last address that a pool may have. The network's own address is none of them, nor IPv4's
// broadcast address, but for ranges too small to have any others (RFC 3021).
func hostRange(cidr netip.Prefix) (first, last netip.Addr) {
	first, last = cidr.Addr(), lastAddress(cidr)
	switch {
	case cidr.IsSingleIP(), first.Is4() && cidr.Bits() > 30:
		return first, last
	case first.Is4():
		return first.Next(), last.Prev()
	}
	return first.Next(), last
}

// lastAddress returns the address of a range whose host bits are all ones.
func lastAddress(cidr netip.Prefix) netip.Addr {
	octets := cidr.Masked().Addr().AsSlice()
	for i := cidr.Bits(); i < len(octets)*8; i++ {
		octets[i/8] |= 0x80 >> (i % 8)
	}
	last, _ := netip.AddrFromSlice(octets)
	return last
}

// checkPools is validate_allocation_pools: each is a range in order, within the subnet, and shares no address with another.
func checkPools(pools []model.AllocationPool, cidr netip.Prefix) error {
	first, last := hostRange(cidr)
	for _, p := range pools {
		if p.Start.Is4() != first.Is4() || p.End.Is4() != first.Is4() || p.End.Less(p.Start) {
			return invalidPool(p)
		}
		if p.Start.Less(first) || last.Less(p.End) {
			return poolOutOfBounds(p, cidr)
		}
	}
	for i, a := range pools {
		for _, b := range pools[i+1:] {
			if !a.End.Less(b.Start) && !b.End.Less(a.Start) {
				return poolsOverlap(a, b, cidr)
			}
		}
	}
	return nil
}

// checkGatewayOutside is validate_gw_out_of_pools.
func checkGatewayOutside(gateway netip.Addr, pools []model.AllocationPool) error {
	if !gateway.IsValid() {
		return nil
	}
	for _, p := range pools {
		if !gateway.Less(p.Start) && !p.End.Less(gateway) {
			return gatewayInPool(gateway, p)
		}
	}
	return nil
}

func sortedPools(pools []model.AllocationPool) []model.AllocationPool {
	sorted := append([]model.AllocationPool{}, pools...)
	slices.SortFunc(sorted, func(a, b model.AllocationPool) int { return a.Start.Compare(b.Start) })
	return sorted
}

// randomIn returns an address of a range with equal chances; of a range of 2^64 addresses and more, one of the first.
func randomIn(p model.AllocationPool) netip.Addr {
	return plus(p.Start, rand.Uint64N(sizeOf(p)))
}

// sizeOf returns how many addresses a range has, or the largest number there is for a larger range.
func sizeOf(p model.AllocationPool) uint64 {
	hi, lo := minus(p.End, p.Start)
	if hi > 0 || lo == ^uint64(0) {
		return ^uint64(0)
	}
	return lo + 1
}

// halves returns an address as a number of 128 bits.
func halves(a netip.Addr) (hi, lo uint64) {
	for i, octet := range a.AsSlice() {
		if a.Is4() || i >= 8 {
			lo = lo<<8 | uint64(octet)
		} else {
			hi = hi<<8 | uint64(octet)
		}
	}
	return hi, lo
}

func minus(a, b netip.Addr) (hi, lo uint64) {
	ahi, alo := halves(a)
	bhi, blo := halves(b)
	lo, borrow := bits.Sub64(alo, blo, 0)
	hi, _ = bits.Sub64(ahi, bhi, borrow)
	return hi, lo
}

// plus returns the address that lies n after a, which is one of the same family.
func plus(a netip.Addr, n uint64) netip.Addr {
	octets := a.AsSlice()
	for i := len(octets) - 1; i >= 0 && n > 0; i-- {
		sum := uint64(octets[i]) + n&0xff
		octets[i] = byte(sum)
		n = n>>8 + sum>>8
	}
	sum, _ := netip.AddrFromSlice(octets)
	return sum
}
