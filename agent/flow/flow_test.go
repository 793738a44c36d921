package flow

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"net/netip"
	"runtime"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/id"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

func frame(t testing.TB, description string) *packet.Packet {
	t.Helper()
	d, err := packet.ParseDescription(description)
	if err != nil {
		t.Fatal(err)
	}
	var p packet.Packet
	if err := packet.Parse(d.Frame(), &p); err != nil {
		t.Fatal(err)
	}
	return &p
}

func TestCacheable(t *testing.T) {
	for description, want := range map[string]bool{
		"icmp 10.0.0.3 > 10.0.0.4":                 true,
		"tcp [fd00::3]:1 > [fd00::4]:68":           true,
		"udp 10.0.0.3:1 > 10.0.0.4:53":             true,
		"udp 10.0.0.3:68 > 10.0.0.2:67":            false,
		"udp 10.0.0.2:67 > 10.0.0.3:68":            false,
		"udp [fe80::3]:546 > [ff02::1:2]:547":      false,
		"icmp fd00::3 > fd00::4":                   true,
		"icmp fe80::3 > ff02::2 type 133":          false,
		"icmp fe80::3 > ff02::16 type 143":         false,
		"nd fe80::3 > fe80::4":                     false,
		"arp 10.0.0.3 > 10.0.0.4":                  false,
		"dhcp":                                     false,
		"0x88cc dmac 01:80:c2:00:00:0e":            false,
		"0x88b5 dmac fa:16:3e:00:00:02":            true,
		"icmp 10.0.0.3 > 10.0.0.4 type 133 vlan 5": true,
	} {
		if got := Cacheable(frame(t, description)); got != want {
			t.Errorf("Cacheable(%s) = %v, want %v", description, got, want)
		}
	}
}

// TestKeyFrameRoundTrip draws keys from real frames and makes frames of them again: what an agent does with the flows that it finds
// installed when it starts.
func TestKeyFrameRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := packet.Header{
			SrcMAC: mac.Addr{0xfa, 0x16, 0x3e, 0, 0, rapid.Byte().Draw(t, "src")}, DstMAC: mac.Addr{0xfa, 0x16, 0x3e, 0, 0, rapid.Byte().Draw(t, "dst")},
			EtherType: packet.EtherTypeIPv4, SrcIP: netip.MustParseAddr("10.0.0.3"), DstIP: netip.MustParseAddr("10.0.0.4"),
			Proto: rapid.Byte().Draw(t, "proto"), TOS: rapid.Byte().Draw(t, "tos"), Fragment: rapid.ByteRange(0, 2).Draw(t, "fragment"),
			SrcPort: rapid.Uint16().Draw(t, "sport"), DstPort: rapid.Uint16().Draw(t, "dport"), TTL: rapid.ByteRange(1, 255).Draw(t, "ttl"),
		}
		if rapid.Bool().Draw(t, "six") {
			h.EtherType, h.SrcIP, h.DstIP = packet.EtherTypeIPv6, netip.MustParseAddr("fd00::3"), netip.MustParseAddr("fd00::4")
		}
		if rapid.Bool().Draw(t, "tag") {
			h.VLAN = packet.VLANPresent | rapid.Uint16Range(0, 4095).Draw(t, "vlan")
		}
		var p packet.Packet
		if packet.Parse(h.Frame(make([]byte, 64)), &p) != nil || !Cacheable(&p) {
			t.Skip("no key: the payload does not make sense for the protocol, or the packet is not cached")
		}
		want := KeyOf(&p, id.As[topology.Port](id.ID[topology.Port]{1}))
		if packed := want.Pack(); packed.Key() != want {
			t.Fatalf("the key\n%+v\nis unpacked as\n%+v", want, packed.Key())
		}
		if err := packet.Parse(want.Frame(), &p); err != nil {
			t.Fatalf("%s: %v", want, err)
		}
		if got := KeyOf(&p, want.InPort); got != want {
			t.Fatalf("the frame of\n%+v\nhas the key\n%+v", want, got)
		}
		if got := want.AppendFrame([]byte("before"))[len("before"):]; !bytes.Equal(got, want.Frame()) {
			t.Fatalf("the frame of %s is appended as % x", want, got)
		}
	})
}

func TestStrings(t *testing.T) {
	port := id.MustParse[topology.Port]("6fa459ea-ee8a-3ca4-894e-db77e160355e")
	for want, got := range map[string]fmt.Stringer{
		"port 6fa459ea 00:00:00:00:00:00 > 00:00:00:00:00:00 vlan 7 tcp 10.0.0.3:1 > 10.0.0.4:2 tos 0x20": KeyOf(frame(t, "tcp 10.0.0.3:1 > 10.0.0.4:2 vlan 7 tos 0x20"), port),
		"port 6fa459ea 00:00:00:00:00:00 > 00:00:00:00:00:00 ethertype 0x88b5":                            KeyOf(frame(t, "0x88b5"), port),
		"mac 6fa459ea/ff:ff:ff:ff:ff:ff": StationTag(topology.BridgeID(port), mac.Broadcast),
		"tunnel":                         Tag{Class: TagTunnel},
		"drop":                           Actions{},
		"to port 6fa459ea; port 6fa459ea by tunnel to 192.0.2.1 key 7": Actions{Outputs: []Output{{Port: port},
			{Port: port, Peer: netip.MustParseAddr("192.0.2.1"), TunnelKey: 7}}},
		"destination 10.0.0.9, ttl - 1 to port 6fa459ea": Actions{Outputs: []Output{{Port: port}},
			Rewrite: Rewrite{Fields: FieldDstIP | FieldTTL, Hops: 1, DstIP: netip.MustParseAddr("10.0.0.9")}},
	} {
		if got.String() != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// TestStateTags: those of a connection are one, and no other connection's.
func TestStateTags(t *testing.T) {
	a, b := netip.MustParseAddr("10.0.0.3"), netip.MustParseAddr("10.0.0.4")
	c := Conn{Proto: 6, Src: a, Dst: b, SrcPort: 1025, DstPort: 80}
	want := StateTag(&c)
	if back := c.Reverse(); StateTag(&back) != want {
		t.Error("the answers of a connection have another tag")
	}
	for _, other := range []Conn{
		{Proto: 17, Src: a, Dst: b, SrcPort: 1025, DstPort: 80}, {Proto: 6, Src: a, Dst: b, SrcPort: 80, DstPort: 1025},
		{Proto: 6, Src: a, Dst: a, SrcPort: 1025, DstPort: 80}, {Proto: 6, Src: a, Dst: b, SrcPort: 1026, DstPort: 80},
		{Proto: 6, Src: netip.AddrFrom16(a.As16()), Dst: netip.AddrFrom16(b.As16()), SrcPort: 1025, DstPort: 80}, {},
	} {
		if StateTag(&other) == want {
			t.Errorf("connection %s has the tag of %s", other, c)
		}
	}
}

func key(n int) Key { return Key{SrcPort: uint16(n), DstPort: uint16(n >> 16)} }
func tag(n int) Tag { return Tag{Class: TagPort, ID: [16]byte{byte(n), byte(n >> 8), byte(n >> 16)}} }

// anyTag draws an answer's tag, with an address or without.
func anyTag(t *rapid.T) Tag {
	n := rapid.IntRange(0, 9).Draw(t, "tag")
	if n < 3 {
		return tag(n)
	}
	if n < 5 {
		return StateTag(&Conn{SrcPort: uint16(n)})
	}
	addr := netip.AddrFrom4([4]byte{10, byte(n), 0, rapid.SampledFrom([]byte{1, 2, 200}).Draw(t, "address")})
	a := AddrTag(TagRoute, [16]byte{byte(n & 1)}, addr)
	a.Bits = uint8(8 * rapid.IntRange(0, 4).Draw(t, "decided by"))
	return a
}

// anyChange draws what may touch the tags of anyTag.
func anyChange(t *rapid.T) Tag {
	c := anyTag(t)
	if !c.Addr().IsValid() {
		return c
	}
	return PrefixTag(c.Class, c.ID, c.prefix().Masked())
}

// TestTagIndex compares the index with two plain maps over random histories.
func TestTagIndex(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, model := NewTagIndex(), map[uint32][]Tag{}
		for range rapid.IntRange(1, 120).Draw(t, "steps") {
			k := rapid.Uint32Range(0, 15).Draw(t, "flow")
			tags := rapid.SliceOfN(rapid.Custom(anyTag), 0, 6).Draw(t, "tags")
			switch rapid.IntRange(0, 3).Draw(t, "step") {
			case 0, 1:
				x.Add(k, tags)
				model[k] = tags
			case 2:
				x.Remove(k)
				delete(model, k)
			case 3:
				changes := rapid.SliceOfN(rapid.Custom(anyChange), 0, 4).Draw(t, "changes")
				got := invalidate(x, changes, rapid.IntRange(1, 5).Draw(t, "limit"))
				for k, has := range model {
					hit := slices.ContainsFunc(has, func(t Tag) bool { return slices.ContainsFunc(changes, func(c Tag) bool { return c.Touches(t) }) })
					if hit != slices.Contains(got, k) {
						t.Fatalf("Invalidate(%v): flow %d hit %v, got %v", changes, k, hit, got)
					}
					if hit {
						delete(model, k)
					}
				}
			}
			for k := range uint32(16) {
				got, has := x.Tags(k), model[k]
				if len(has) == 0 && len(got) > 0 {
					t.Fatalf("Tags(%d) = %v, want none", k, got)
				}
				for _, tag := range has {
					if !slices.Contains(got, tag) {
						t.Fatalf("Tags(%d) = %v, want %v", k, got, has)
					}
				}
			}
		}
	})
}

// invalidate does it limit at a time.
func invalidate(x *TagIndex, tags []Tag, limit int) (all []uint32) {
	for {
		some := x.Invalidate(tags, limit)
		if all = append(all, some...); len(some) < limit {
			return all
		}
	}
}

// TestForwardingTags: a change to a range touches the answers for its ports, and no others.
func TestForwardingTags(t *testing.T) {
	router, addr := id.New[topology.Router](), netip.MustParseAddr("203.0.113.7")
	rapid.Check(t, func(t *rapid.T) {
		r := topology.PortRange{First: rapid.Uint16().Draw(t, "first"), Set: true}
		r.Last = uint16(rapid.IntRange(int(r.First), 65535).Draw(t, "last"))
		changes := ForwardingTags(router, addr, 6, r)
		port := rapid.OneOf(rapid.Uint16(), rapid.SampledFrom([]uint16{r.First, r.Last, r.First - 1, r.Last + 1})).Draw(t, "port")
		a := ForwardingTag(router, addr, 6, port)
		if got := slices.ContainsFunc(changes, func(c Tag) bool { return c.Touches(a) }); got != r.Contains(port) {
			t.Fatalf("%d-%d touches port %d: %v", r.First, r.Last, port, got)
		}
		if other := ForwardingTag(router, addr, 17, port); slices.ContainsFunc(changes, func(c Tag) bool { return c.Touches(other) }) {
			t.Fatal("another protocol is touched")
		}
	})
}

func TestTagIndexFreesWhatItForgets(t *testing.T) {
	x := NewTagIndex()
	for round := range 3 {
		for i := range 100 {
			x.Add(uint32(round*100+i), []Tag{tag(i), tag(i + 1), tag(round), AddrTag(TagGroup, tag(0).ID, netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})),
				StateTag(&Conn{SrcPort: uint16(i)})})
		}
		for i := range 100 {
			x.Remove(uint32(round*100 + i))
		}
	}
	if left := x.stored(); len(x.places) != 0 || left != (stored{flowEdges: left.flowEdges, bundleEdges: left.bundleEdges}) {
		t.Errorf("%d places and %+v are left", len(x.places), left)
	}
	if room := x.stored(); room.flowEdges > 301 || room.bundleEdges > 401 {
		t.Errorf("room for %+v, want no more than was in use at once", room)
	}
}

// stored is how much a TagIndex has of everything.
type stored struct{ ofFlows, ofBundles, flowEdges, bundleEdges int }

func (x *TagIndex) stored() stored {
	return stored{x.flows.tags.slots.Len(), x.bundles.tags.slots.Len(), int(x.flows.edges.Len()), int(x.bundles.edges.Len())}
}

// TestTagIndexKeepsCommonTagsOnce gives a thousand connections between two addresses the tags of their way, in any order.
func TestTagIndexKeepsCommonTagsOnce(t *testing.T) {
	x := NewTagIndex()
	way := []Tag{tag(1), tag(2), tag(3), AddrTag(TagRoute, tag(1).ID, netip.MustParseAddr("10.0.0.3")), AddrTag(TagGroup, tag(2).ID, netip.MustParseAddr("10.0.0.4"))}
	for i := range 1000 {
		way[0], way[1], way[3], way[4] = way[1], way[0], way[4], way[3]
		x.Add(uint32(i), append(slices.Clone(way), StateTag(&Conn{SrcPort: uint16(i)})))
	}
	if got, want := x.stored(), (stored{ofFlows: 2 + 1000, ofBundles: 5, flowEdges: 1 + 3*1000, bundleEdges: 1 + 5}); got != want {
		t.Errorf("the index has %+v, want %+v", got, want)
	}
}

// TestKeys compares the numbers of flows with a map over random histories.
func TestKeys(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys, numbers := NewKeys(), map[Key]uint32{}
		for range rapid.IntRange(1, 100).Draw(t, "steps") {
			k := key(rapid.IntRange(0, 15).Draw(t, "key"))
			n, there := numbers[k]
			switch {
			case there && rapid.Bool().Draw(t, "free"):
				if got := keys.Free(n); got != k {
					t.Fatalf("number %d was that of %v, want %v", n, got, k)
				}
				delete(numbers, k)
			case there:
				if got, added := keys.Number(k); got != n || added {
					t.Fatalf("%v has number %d, a new one: %v, want %d", k, got, added, n)
				}
			default:
				n, added := keys.Number(k)
				if other := slices.Collect(maps.Values(numbers)); n == 0 || !added || slices.Contains(other, n) {
					t.Fatalf("%v got number %d, others have %d", k, n, other)
				}
				numbers[k] = n
			}
			if keys.Len() != len(numbers) {
				t.Fatalf("%d flows, want %d", keys.Len(), len(numbers))
			}
			for i := range 16 {
				want, there := numbers[key(i)]
				if got, ok := keys.Find(key(i)); ok != there || ok && got != want {
					t.Fatalf("%v: found %d, %v, want %d, %v", key(i), got, ok, want, there)
				}
			}
		}
	})
}

func TestExpiry(t *testing.T) {
	start := time.Unix(1000, 0)
	at := func(s int) time.Time { return start.Add(time.Duration(s) * time.Second) }
	e := NewExpiry()
	const idle, hard, both, never = 1, 2, 3, 4
	e.Add(idle, at(0), 60*time.Second, 0)
	e.Add(hard, at(0), 0, 5*time.Second)
	e.Add(both, at(0), 60*time.Second, 90*time.Second)
	e.Add(never, at(0), 0, 0)
	expect := func(s int, want ...uint32) {
		t.Helper()
		got := e.Expired(at(s), math.MaxInt)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("after %d s %v expire, want %v", s, got, want)
		}
	}
	expect(4)
	e.Used(hard, at(4)) // changes nothing: the time is hard
	expect(5, hard)
	e.Used(idle, at(50))
	e.Used(both, at(50))
	e.Used(idle, at(30)) // an older report does not take the newer one back
	expect(60)
	expect(90, both)
	expect(109)
	expect(110, idle)
	e.Add(idle, at(200), 10*time.Second, 0)
	e.Add(idle, at(205), 10*time.Second, 0) // installed again
	expect(214)
	e.Remove(idle)
	e.Remove(never)
	expect(1000)
}

func TestExpiryInParts(t *testing.T) {
	start := time.Unix(1000, 0)
	e := NewExpiry()
	for n := range uint32(6) {
		e.Add(1+n, start.Add(time.Duration(n)*time.Second), time.Minute, 0)
	}
	e.Used(1, start.Add(time.Hour))
	for _, c := range []struct {
		what      string
		got, want []uint32
	}{
		{"the three whose time is over first", e.Soonest(3), []uint32{2, 3, 4}},
		{"none of a negative number", e.Soonest(-1), nil},
		{"one of two whose time is over", e.Expired(start.Add(2*time.Minute), 1), []uint32{5}},
		{"the other one", e.Expired(start.Add(2*time.Minute), 2), []uint32{6}},
		{"the one in use, when there is no other", e.Soonest(2), []uint32{1}},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("%s: %v, want %v", c.what, c.got, c.want)
		}
	}
}

// TestExpiryIsExact compares what expires with what should, over random histories.
func TestExpiryIsExact(t *testing.T) {
	type life struct{ used, idle, end time.Duration }
	over := func(l life) time.Duration {
		if l.idle == 0 {
			return l.end
		}
		return min(l.used+l.idle, l.end)
	}
	long := rapid.Custom(func(t *rapid.T) time.Duration {
		most := rapid.SampledFrom([]int{0, 3_000, 70_000, 1000 * (ahead - 1), 1000 * ahead, 5000 * ahead}).Draw(t, "most")
		return time.Duration(rapid.IntRange(0, most).Draw(t, "milliseconds")) * time.Millisecond
	})
	rapid.Check(t, func(t *rapid.T) {
		start, now := time.Unix(1000, 0), time.Duration(0)
		e, want := NewExpiry(), map[uint32]life{}
		taken := func(what string, flows []uint32) {
			for _, k := range flows {
				if _, there := want[k]; !there {
					t.Fatalf("%s: %d is not there", what, k)
				}
				delete(want, k)
			}
		}
		for range rapid.IntRange(1, 100).Draw(t, "steps") {
			now += long.Draw(t, "later")
			k := rapid.Uint32Range(1, 30).Draw(t, "flow")
			l, there := want[k]
			switch rapid.IntRange(0, 5).Draw(t, "step") {
			case 0, 1:
				l = life{used: now, idle: long.Draw(t, "idle"), end: forever}
				hard := long.Draw(t, "hard")
				if hard > 0 {
					l.end = now + hard
				}
				e.Add(k, start.Add(now), l.idle, hard)
				want[k] = l
			case 2:
				if there {
					e.Used(k, start.Add(now))
					l.used = now
					want[k] = l
				}
			case 3:
				if there {
					e.Remove(k)
					delete(want, k)
				}
			case 4:
				limit := rapid.IntRange(0, 5).Draw(t, "limit")
				got := e.Soonest(limit)
				taken("soonest", got)
				if watched := slices.ContainsFunc(slices.Collect(maps.Values(want)), func(l life) bool { return over(l) != forever }); len(got) < limit && watched {
					t.Fatalf("%d of the soonest, want %d", len(got), limit)
				}
			case 5:
				due := 0
				for _, l := range want {
					if over(l) <= now {
						due++
					}
				}
				limit := rapid.IntRange(0, 40).Draw(t, "limit")
				got := e.Expired(start.Add(now), limit)
				for _, k := range got {
					if over(want[k]) > now {
						t.Fatalf("%d expires %v too early", k, over(want[k])-now)
					}
				}
				if taken("expired", got); len(got) != min(due, limit) {
					t.Fatalf("%d of %d expire, with a limit of %d", len(got), due, limit)
				}
			}
		}
	})
}

// BenchmarkExpiry has flows come, and go in the order in which they came, while there are many.
func BenchmarkExpiry(b *testing.B) {
	const flows = 100_000
	e, now := NewExpiry(), time.Unix(1000, 0)
	add := func(n uint32) {
		now = now.Add(20 * time.Microsecond)
		e.Add(n, now, 30*time.Second, 0)
	}
	for n := range uint32(flows) {
		add(1 + n)
	}
	for b.Loop() {
		add(e.Soonest(1)[0])
	}
}

func BenchmarkTagIndex(b *testing.B) {
	const flows, ports = 200_000, 10_000
	tagsOf := func(i int) []Tag {
		return []Tag{tag(i % ports), tag(ports + i%1000), tag(20_000 + i%ports), tag(30_000 + i*7%ports), tag(i * 7 % ports)}
	}
	b.Run("add and invalidate", func(b *testing.B) {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		x := NewTagIndex()
		for i := range flows {
			x.Add(uint32(i), tagsOf(i))
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportAllocs()
		i, gone := 0, 0
		for b.Loop() {
			for _, n := range x.Invalidate([]Tag{tag(i % ports)}, math.MaxInt) {
				x.Add(n, tagsOf(int(n)))
				gone++
			}
			i++
		}
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/flows, "B/flow")
		b.ReportMetric(float64(gone)/b.Elapsed().Seconds(), "flows/s")
		runtime.KeepAlive(x)
	})
}
