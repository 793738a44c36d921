package api

import (
	"cmp"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

const (
	mediaMACPort  = "application/vnd.org.midonet.MacPort-v2+json"
	mediaMACPorts = "application/vnd.org.midonet.collection.MacPort-v2+json"
	mediaIP4MAC   = "application/vnd.org.midonet.IP4Mac-v1+json"
	mediaIP4MACs  = "application/vnd.org.midonet.collection.IP4Mac-v1+json"
)

// macPort is models/MacPort.java: the port behind which a MAC is, as Neutron says or as a host has learned.
type macPort struct {
	MACAddr string          `json:"macAddr"`
	PortID  topology.PortID `json:"portId"`
	VLANID  int             `json:"vlanId"` // 0: untagged, the only table that there is
	URI     string          `json:"uri"`
}

// ip4MAC is models/Ip4MacPair.java: what an ARP request for the address is answered with.
type ip4MAC struct {
	IP  netip.Addr `json:"ip"`
	MAC string     `json:"mac"`
	URI string     `json:"uri"`
}

func (a *API) tableRoutes() {
	a.serve("/bridges/{id}/mac_table", endpoint{http.MethodGet, nil, []string{mediaMACPorts, mediaJSON}, listMACTable})
	a.serve("/bridges/{id}/mac_table/{entry}", endpoint{http.MethodGet, nil, []string{mediaMACPort, mediaJSON}, getMACPort})
	a.serve("/bridges/{id}/arp_table", endpoint{http.MethodGet, nil, []string{mediaIP4MACs, mediaJSON}, listARPTable})
	a.serve("/bridges/{id}/arp_table/{entry}", endpoint{http.MethodGet, nil, []string{mediaIP4MAC, mediaJSON}, getARPEntry})
}

func listMACTable(c *call) (reply, error) {
	table, err := c.macTable()
	return reply{body: table}, err
}

func getMACPort(c *call) (reply, error) {
	text, _, _ := strings.Cut(c.PathValue("entry"), "_")
	if _, err := mac.Parse(strings.ReplaceAll(text, "-", ":")); err != nil {
		return reply{}, errs.New(errs.Invalid, "BadMAC", "MAC address must consist of six pairs of hex digits separated by hyphens, "+
			"e.g., 12-34-56-78-9a-bc.")
	}
	table, err := c.macTable()
	if err != nil {
		return reply{}, err
	}
	for _, e := range table {
		if strings.EqualFold(entryName(e.MACAddr, e.PortID.String()), c.PathValue("entry")) {
			return reply{body: e}, nil
		}
	}
	return reply{}, errs.New(errs.NotFound, "NotFound", "The specified bridge does not have the specified MAC-port mapping.")
}

// entryName is how a URI names a MAC and a port (ResourceUris.macToUri).
func entryName(hw, port string) string { return strings.ReplaceAll(hw, ":", "-") + "_" + port }

// macTable is the table of the bridge that the path names, in order of MAC and port.
func (c *call) macTable() ([]macPort, error) {
	b, err := c.bridge()
	if err != nil {
		return nil, err
	}
	table := []macPort{}
	add := func(hw mac.Addr, port topology.PortID) {
		table = append(table, macPort{MACAddr: hw.String(), PortID: port,
			URI: c.bridgeURI(b.ID) + "/mac_table/" + entryName(hw.String(), port.String())})
	}
	for e := range c.state.MACEntries(b.ID) {
		add(e.MAC, e.Port)
	}
	for l := range c.state.LearnedMACs(b.ID) {
		add(l.MAC, l.Port)
	}
	slices.SortFunc(table, func(x, y macPort) int { return cmp.Compare(x.URI, y.URI) })
	return slices.Compact(table), nil
}

func listARPTable(c *call) (reply, error) {
	table, err := c.arpTable()
	return reply{body: table}, err
}

func getARPEntry(c *call) (reply, error) {
	table, err := c.arpTable()
	if err != nil {
		return reply{}, err
	}
	for _, e := range table {
		if strings.EqualFold(arpEntryName(e.IP, e.MAC), c.PathValue("entry")) {
			return reply{body: e}, nil
		}
	}
	return reply{}, errs.New(errs.NotFound, "NotFound", "The specified bridge does not have the specified ARP table entry.")
}

func arpEntryName(addr netip.Addr, hw string) string {
	return addr.String() + "_" + strings.ReplaceAll(hw, ":", "-")
}

// arpTable is the table of the bridge that the path names, in order of address. It has IPv4 alone, as its media type says.
func (c *call) arpTable() ([]ip4MAC, error) {
	b, err := c.bridge()
	if err != nil {
		return nil, err
	}
	table := []ip4MAC{}
	for n := range c.state.Neighbours(b.ID) {
		if n.Addr.Is4() {
			table = append(table, ip4MAC{IP: n.Addr, MAC: n.MAC.String(),
				URI: c.bridgeURI(b.ID) + "/arp_table/" + arpEntryName(n.Addr, n.MAC.String())})
		}
	}
	slices.SortFunc(table, func(x, y ip4MAC) int { return cmp.Or(x.IP.Compare(y.IP), cmp.Compare(x.MAC, y.MAC)) })
	return slices.Compact(table), nil
}
