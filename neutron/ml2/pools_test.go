package ml2

import (
	"net/netip"
	"testing"

	"pgregory.net/rapid"

	"midonet.org/midonet/neutron/model"
)

// drawRange draws any range of either family, often a small one.
func drawRange(r *rapid.T) model.AllocationPool {
	octets := make([]byte, rapid.SampledFrom([]int{4, 16}).Draw(r, "octets"))
	for i := range octets {
		octets[i] = rapid.Byte().Draw(r, "octet")
	}
	start, _ := netip.AddrFromSlice(octets)
	for i := rapid.IntRange(0, len(octets)-1).Draw(r, "same octets"); i < len(octets); i++ {
		octets[i] = max(octets[i], rapid.Byte().Draw(r, "octet"))
	}
	end, _ := netip.AddrFromSlice(octets)
	return model.AllocationPool{Start: start, End: end}
}

func TestARandomAddressIsInItsRange(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		p := drawRange(r)
		a := randomIn(p)
		if a.Less(p.Start) || p.End.Less(a) {
			r.Fatalf("%s is not in %s", a, poolText(p))
		}
		if size := sizeOf(p); size != ^uint64(0) && plus(p.Start, size-1) != p.End {
			r.Fatalf("%s has %d addresses, but the last of them is %s", poolText(p), size, plus(p.Start, size-1))
		}
	})
}

func TestSizes(t *testing.T) {
	for _, c := range []struct {
		pool model.AllocationPool
		want uint64
	}{
		{pool("10.0.0.5", "10.0.0.5"), 1},
		{pool("10.0.0.0", "10.0.0.255"), 256},
		{pool("0.0.0.0", "255.255.255.255"), 1 << 32},
		{pool("fd00::", "fd00::ffff:ffff:ffff:fffe"), ^uint64(0)},
		{pool("fd00::", "fd00::ffff:ffff:ffff:ffff"), ^uint64(0)},
		{pool("fd00::ffff:ffff:ffff:ffff", "fd00:0:0:1::"), 2},
		{pool("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), ^uint64(0)},
	} {
		if got := sizeOf(c.pool); got != c.want {
			t.Errorf("%s: %d addresses, want %d", poolText(c.pool), got, c.want)
		}
	}
}

// TestGeneratedPoolsAreValid: what is made by default would be accepted from a client, and leaves out the gateway alone.
func TestGeneratedPoolsAreValid(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		start := drawRange(r).Start
		cidr := netip.PrefixFrom(start, rapid.IntRange(1, start.BitLen()-3).Draw(r, "length")).Masked()
		gateway := randomIn(model.AllocationPool{Start: cidr.Addr(), End: lastAddress(cidr)})
		pools := generatePools(cidr, gateway)
		if err := checkPools(pools, cidr); err != nil {
			r.Fatalf("%s: %v", cidr, err)
		}
		if err := checkGatewayOutside(gateway, pools); err != nil {
			r.Fatalf("%s: %v", cidr, err)
		}
		var total uint64
		for _, p := range pools {
			total += sizeOf(p)
		}
		first, last := hostRange(cidr)
		want := sizeOf(model.AllocationPool{Start: first, End: last})
		if !gateway.Less(first) && !last.Less(gateway) {
			want--
		}
		if cidr.Addr().BitLen()-cidr.Bits() < 60 && total != want {
			r.Fatalf("%s with gateway %s: %d addresses in pools, want %d", cidr, gateway, total, want)
		}
	})
}
