package fake

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"midonet.org/midonet/agent/datapath/datapathtest"
)

// wire makes an Interface the suite's.
type wire struct{ *Interface }

func (w wire) Send(_ *testing.T, frame []byte) { w.Interface.Send(frame) }

func (w wire) Receive(_ *testing.T, wait time.Duration) []byte { return w.Interface.Receive(wait) }

func newHarness(_ *testing.T, o datapathtest.Options) (hosts [2]*datapathtest.Host) {
	underlay := &Underlay{}
	for i := range hosts {
		ipv4 := netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 1)})
		ipv6 := netip.AddrFrom16([16]byte{0: 0xfd, 15: byte(i + 1)})
		d := New(Config{
			Underlay: underlay, Endpoints: []netip.Addr{ipv4, ipv6},
			MaxFlows: o.MaxFlows, MissRate: o.MissRate, MissBurst: o.MissBurst,
		})
		made := 0
		hosts[i] = &datapathtest.Host{
			Datapath: d, IPv4: ipv4, IPv6: ipv6,
			NewInterface: func(*testing.T) datapathtest.Interface {
				made++
				return wire{d.AddInterface(fmt.Sprintf("port%d", made))}
			},
		}
	}
	return hosts
}

func TestSuite(t *testing.T) { datapathtest.Run(t, newHarness) }
