package api

import (
	"cmp"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"midonet.org/midonet/cluster/operator"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/id"
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
	a.serve("/bridges/{id}/mac_table",
		endpoint{http.MethodGet, nil, []string{mediaMACPorts, mediaJSON}, listMACTable},
		endpoint{http.MethodPost, []string{mediaMACPort, mediaJSON}, nil, a.createMACPort},
	)
	a.serve("/bridges/{id}/mac_table/{entry}",
		endpoint{http.MethodGet, nil, []string{mediaMACPort, mediaJSON}, getMACPort},
		endpoint{http.MethodDelete, nil, nil, a.deleteMACPort},
	)
	a.serve("/bridges/{id}/vlans/{vlan}/mac_table",
		endpoint{http.MethodGet, nil, []string{mediaMACPorts, mediaJSON}, ofVLAN(listMACTable)},
		endpoint{http.MethodPost, []string{mediaMACPort, mediaJSON}, nil, ofVLAN(a.createMACPort)},
	)
	a.serve("/bridges/{id}/vlans/{vlan}/mac_table/{entry}",
		endpoint{http.MethodGet, nil, []string{mediaMACPort, mediaJSON}, ofVLAN(getMACPort)},
		endpoint{http.MethodDelete, nil, nil, ofVLAN(a.deleteMACPort)},
	)
	a.serve("/bridges/{id}/arp_table",
		endpoint{http.MethodGet, nil, []string{mediaIP4MACs, mediaJSON}, listARPTable},
		endpoint{http.MethodPost, []string{mediaIP4MAC, mediaJSON}, nil, a.createARPEntry},
	)
	a.serve("/bridges/{id}/arp_table/{entry}",
		endpoint{http.MethodGet, nil, []string{mediaIP4MAC, mediaJSON}, getARPEntry},
		endpoint{http.MethodDelete, nil, nil, a.deleteARPEntry},
	)
}

// ofVLAN serves the tables of VLANs, of which there is one: that of no VLAN, which has the number 0.
func ofVLAN(handle func(*call) (reply, error)) func(*call) (reply, error) {
	return func(c *call) (reply, error) {
		if _, err := c.bridge(); err != nil {
			return reply{}, err
		}
		if c.PathValue("vlan") != "0" {
			return reply{}, noVLAN(c.PathValue("vlan"))
		}
		return handle(c)
	}
}

func noVLAN(vlan any) error {
	return errs.New(errs.NotFound, "NotFound", "The specified bridge has no ports assigned to VLAN %v.", vlan)
}

func listMACTable(c *call) (reply, error) {
	table, err := c.macTable()
	return reply{body: table}, err
}

func getMACPort(c *call) (reply, error) {
	text, _, _ := strings.Cut(c.PathValue("entry"), "_")
	if _, err := mac.Parse(strings.ReplaceAll(text, "-", ":")); err != nil {
		return reply{}, badMACInURI()
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
func entryName(hw, port string) string { return uriMAC(hw) + "_" + port }

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
	return addr.String() + "_" + uriMAC(hw)
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

func (a *API) createMACPort(c *call) (reply, error) {
	b, err := c.bridge()
	if err != nil {
		return reply{}, err
	}
	var body struct {
		MACAddr *string          `json:"macAddr"`
		PortID  *topology.PortID `json:"portId"`
		VLANID  *int             `json:"vlanId"`
	}
	if err := c.decode(&body); err != nil {
		return reply{}, err
	}
	var v violations
	v.add(body.MACAddr == nil, "macAddr", "may not be null")
	v.add(body.PortID == nil, "portId", "may not be null")
	hw := v.mac("macAddr", body.MACAddr)
	v.add(hw.IsMulticast(), "macAddr", "is not the MAC address of a station")
	if err := v.err(); err != nil {
		return reply{}, err
	}
	if given(body.VLANID) != 0 {
		return reply{}, noVLAN(*body.VLANID)
	}
	return a.edit(c, c.bridgeURI(b.ID)+"/mac_table/"+entryName(hw.String(), body.PortID.String()), func(e *operator.Edit) error {
		return e.PutMACEntry(b.ID, hw, *body.PortID)
	})
}

func (a *API) deleteMACPort(c *call) (reply, error) {
	b, err := c.bridge()
	if err != nil {
		return reply{}, err
	}
	text, port, _ := strings.Cut(c.PathValue("entry"), "_")
	hw, err := mac.Parse(strings.ReplaceAll(text, "-", ":"))
	if err != nil {
		return reply{}, badMACInURI()
	}
	at, err := id.Parse[topology.Port](port)
	if err != nil {
		return reply{}, errs.New(errs.NotFound, "NotFound", "The specified bridge does not have the specified MAC-port mapping.")
	}
	return a.edit(c, "", func(e *operator.Edit) error { return e.DeleteMACEntry(b.ID, hw, at) })
}

func badMACInURI() error {
	return errs.New(errs.Invalid, "BadMAC", "MAC address must consist of six pairs of hex digits separated by hyphens, e.g., 12-34-56-78-9a-bc.")
}

func (a *API) createARPEntry(c *call) (reply, error) {
	b, err := c.bridge()
	if err != nil {
		return reply{}, err
	}
	var body struct {
		IP  *string `json:"ip"`
		MAC *string `json:"mac"`
	}
	if err := c.decode(&body); err != nil {
		return reply{}, err
	}
	var v violations
	v.add(body.MAC == nil, "mac", "may not be null")
	hw := v.mac("mac", body.MAC)
	addr, err := netip.ParseAddr(given(body.IP))
	v.add(err != nil || !addr.Is4() || addr.IsUnspecified() || addr.IsMulticast(), "ip", "is not a valid IP address")
	v.add(hw.IsMulticast(), "mac", "is not the MAC address of a station")
	if err := v.err(); err != nil {
		return reply{}, err
	}
	return a.edit(c, c.bridgeURI(b.ID)+"/arp_table/"+arpEntryName(addr, hw.String()), func(e *operator.Edit) error {
		return e.PutNeighbour(b.ID, addr, hw)
	})
}

func (a *API) deleteARPEntry(c *call) (reply, error) {
	b, err := c.bridge()
	if err != nil {
		return reply{}, err
	}
	text, hwText, _ := strings.Cut(c.PathValue("entry"), "_")
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return reply{}, errs.New(errs.Invalid, "BadAddress", "is not a valid IP address")
	}
	hw, err := mac.Parse(strings.ReplaceAll(hwText, "-", ":"))
	if err != nil {
		return reply{}, badMACInURI()
	}
	return a.edit(c, "", func(e *operator.Edit) error { return e.DeleteNeighbour(b.ID, addr, hw) })
}
