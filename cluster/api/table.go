package api

import (
	"cmp"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
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

// macPort is models/MacPort.java: the port behind which a MAC is, as Neutron or an operator says or as a host has learned.
type macPort struct {
	MACAddr string          `json:"macAddr"`
	PortID  topology.PortID `json:"portId"`
	VLANID  uint16          `json:"vlanId"` // 0: untagged, the only table that agents look into
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
		endpoint{http.MethodGet, nil, []string{mediaMACPorts, mediaJSON}, listMACTable},
		endpoint{http.MethodPost, []string{mediaMACPort, mediaJSON}, nil, a.createMACPort},
	)
	a.serve("/bridges/{id}/vlans/{vlan}/mac_table/{entry}",
		endpoint{http.MethodGet, nil, []string{mediaMACPort, mediaJSON}, getMACPort},
		endpoint{http.MethodDelete, nil, nil, a.deleteMACPort},
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

// table returns the bridge that the path names, and the VLAN whose table: 0 where the path names none. The bridge must have the VLAN.
func (c *call) table() (b *topology.Bridge, vlan uint16, err error) {
	if b, err = c.bridge(); err != nil {
		return nil, 0, err
	}
	if vlan, err = c.vlan(); err == nil && !c.vlans(b.ID)[vlan] {
		err = noVLAN(vlan)
	}
	return b, vlan, err
}

// vlan returns the VLAN that the path names, 0 where it names none.
func (c *call) vlan() (uint16, error) {
	text := cmp.Or(c.PathValue("vlan"), "0")
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return 0, noVLAN(text)
	}
	return uint16(n), nil
}

func noVLAN(vlan any) error {
	return errs.New(errs.NotFound, "NotFound", "The specified bridge has no ports assigned to VLAN %v.", vlan)
}

// vlans returns the VLANs that the bridge has tables of: no VLAN, those of its ports, and those that have entries.
func (c *call) vlans(b topology.BridgeID) map[uint16]bool {
	known := map[uint16]bool{0: true}
	for p := range c.state.Ports(b) {
		known[c.overlay(p.Key()).VLAN] = true
	}
	for e := range c.state.MACEntries(b) {
		known[e.VLAN] = true
	}
	return known
}

// listMACTable shows the table of the VLAN that the path names, and where it names none those of all.
func listMACTable(c *call) (reply, error) {
	b, vlan, err := c.table()
	if err != nil {
		return reply{}, err
	}
	if c.PathValue("vlan") != "" {
		return reply{body: c.macTable(b.ID, vlan)}, nil
	}
	table := []macPort{}
	for _, vlan := range slices.Sorted(maps.Keys(c.vlans(b.ID))) {
		table = append(table, c.macTable(b.ID, vlan)...)
	}
	return reply{body: table}, nil
}

func getMACPort(c *call) (reply, error) {
	text, _, _ := strings.Cut(c.PathValue("entry"), "_")
	if _, err := mac.Parse(strings.ReplaceAll(text, "-", ":")); err != nil {
		return reply{}, badMACInURI()
	}
	b, vlan, err := c.table()
	if err != nil {
		return reply{}, err
	}
	for _, e := range c.macTable(b.ID, vlan) {
		if strings.EqualFold(entryName(e.MACAddr, e.PortID.String()), c.PathValue("entry")) {
			return reply{body: e}, nil
		}
	}
	return reply{}, errs.New(errs.NotFound, "NotFound", "The specified bridge does not have the specified MAC-port mapping.")
}

// entryName is how a URI names a MAC and a port (ResourceUris.macToUri).
func entryName(hw, port string) string { return uriMAC(hw) + "_" + port }

// macTable is the table of one VLAN of a bridge, in order of MAC and port.
func (c *call) macTable(b topology.BridgeID, vlan uint16) []macPort {
	table := []macPort{}
	add := func(hw mac.Addr, port topology.PortID) {
		table = append(table, macPort{hw.String(), port, vlan, c.macPortURI(b, vlan, hw, port)})
	}
	for e := range c.state.MACEntries(b) {
		if e.VLAN == vlan {
			add(e.MAC, e.Port)
		}
	}
	if vlan == 0 {
		for l := range c.state.LearnedMACs(b) {
			add(l.MAC, l.Port)
		}
	}
	slices.SortFunc(table, func(x, y macPort) int { return cmp.Compare(x.URI, y.URI) })
	return slices.Compact(table)
}

func (c *call) macPortURI(b topology.BridgeID, vlan uint16, hw mac.Addr, port topology.PortID) string {
	uri := c.bridgeURI(b)
	if vlan != 0 {
		uri += "/vlans/" + strconv.Itoa(int(vlan))
	}
	return uri + "/mac_table/" + entryName(hw.String(), port.String())
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
	if c.PathValue("vlan") != "" { // which has the last word
		of, err := c.vlan()
		if err != nil {
			return reply{}, err
		}
		body.VLANID = new(int(of))
	}
	var v violations
	v.add(body.MACAddr == nil, "macAddr", "may not be null")
	v.add(body.PortID == nil, "portId", "may not be null")
	hw := v.mac("macAddr", body.MACAddr)
	v.add(hw.IsMulticast(), "macAddr", "is not the MAC address of a station")
	vlan := uint16(v.within("vlanId", body.VLANID, 0, maxVLAN))
	if err := v.err(); err != nil {
		return reply{}, err
	}
	answer, err := a.edit(c, c.macPortURI(b.ID, vlan, hw, *body.PortID), func(e *operator.Edit) error {
		return e.PutMACEntry(b.ID, hw, *body.PortID, vlan)
	})
	if err == nil && vlan != 0 {
		a.unheeded(topology.NewMACEntry(b.ID, hw, *body.PortID).OnVLAN(vlan).Key(), "vlanId")
	}
	return answer, err
}

func (a *API) deleteMACPort(c *call) (reply, error) {
	b, vlan, err := c.table()
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
	return a.edit(c, "", func(e *operator.Edit) error { return e.DeleteMACEntry(b.ID, hw, at, vlan) })
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
