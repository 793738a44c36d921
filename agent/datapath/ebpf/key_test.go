package ebpf

import (
	"net/netip"
	"testing"

	"pgregory.net/rapid"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/mac"
)

// TestKeysAgreeWithParser lets the program look up random frames, spoilt ones too: whatever package packet reads has, in the
// kernel, the key that flow.KeyOf gives it, and its wider ones.
func TestKeysAgreeWithParser(t *testing.T) {
	l := newLocal(t, Config{MaxFlows: 64, MissRate: 1_000_000_000})
	read := 0
	rapid.Check(t, func(r *rapid.T) {
		frame := drawFrame(r)
		var p packet.Packet
		if err := packet.Parse(frame, &p); err != nil || p.EtherType == packet.EtherTypeARP {
			return
		}
		read++
		key := flow.KeyOf(&p, l.portA.ID)
		f := flow.Flow{Key: rapid.SampledFrom(append(key.Wider(), key)).Draw(r, "key")}
		check(t, l.Install([]flow.Flow{f}))
		before, err := l.Counters()
		check(t, err)
		l.run(t, frame)
		after, err := l.Counters()
		check(t, err)
		check(t, l.Remove([]flow.Key{f.Key}))
		if after.Hits != before.Hits+1 {
			r.Fatalf("no hit for %v\n%x", f.Key, frame)
		}
	})
	if read == 0 {
		t.Error("no frame could be read")
	}
}

func drawFrame(r *rapid.T) []byte {
	h := packet.Header{
		SrcMAC: mac.Addr{2, 1}, DstMAC: mac.Addr{2, 2},
		EtherType: rapid.SampledFrom([]uint16{packet.EtherTypeIPv4, packet.EtherTypeIPv6, 0x88b5}).Draw(r, "type"),
		VLAN:      rapid.SampledFrom([]uint16{0, packet.VLANPresent, packet.VLANPresent | 77}).Draw(r, "vlan"),
		Proto:     rapid.OneOf(rapid.SampledFrom([]uint8{0, 1, 6, 17, 43, 44, 51, 58, 60, 132}), rapid.Uint8()).Draw(r, "proto"),
		Fragment:  rapid.SampledFrom([]uint8{packet.Unfragmented, packet.FragmentFirst, packet.FragmentLater}).Draw(r, "fragment"),
		TOS:       rapid.Uint8().Draw(r, "tos"),
		SrcPort:   rapid.Uint16().Draw(r, "source port"), DstPort: rapid.Uint16().Draw(r, "destination port"),
	}
	if h.EtherType == packet.EtherTypeIPv6 {
		h.SrcIP = netip.AddrFrom16([16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(r, "source")))
		h.DstIP = netip.AddrFrom16([16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(r, "destination")))
	} else {
		h.SrcIP = netip.AddrFrom4([4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(r, "source")))
		h.DstIP = netip.AddrFrom4([4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(r, "destination")))
	}
	frame := h.Frame(rapid.SliceOfN(rapid.Byte(), 0, 80).Draw(r, "payload"))
	for range rapid.IntRange(0, 2).Draw(r, "spoilt octets") {
		frame[rapid.IntRange(12, len(frame)-1).Draw(r, "at")] = rapid.Byte().Draw(r, "octet")
	}
	return frame
}
