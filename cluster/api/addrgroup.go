package api

import (
	"net/http"
	"net/netip"
	"net/url"

	"midonet.org/midonet/cluster/operator"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/topology"
)

var (
	mediaAddrGroup  = []string{"application/vnd.org.midonet.IpAddrGroup-v1+json", mediaJSON}
	mediaAddrGroups = []string{"application/vnd.org.midonet.collection.IpAddrGroup-v1+json", mediaJSON}
	mediaGroupAddr  = []string{"application/vnd.org.midonet.IpAddrGroupAddr-v1+json", mediaJSON}
	mediaGroupAddrs = []string{"application/vnd.org.midonet.collection.IpAddrGroupAddr-v1+json", mediaJSON}
)

// addrGroup is models/IpAddrGroup.java. Of a group that is made from a security group, the chains are that one's.
type addrGroup struct {
	ID              topology.AddrGroupID `json:"id"`
	Name            string               `json:"name"`
	IPAddrPorts     []addrPorts          `json:"ipAddrPorts"`
	InboundChainID  *topology.ChainID    `json:"inboundChainId"`
	OutboundChainID *topology.ChainID    `json:"outboundChainId"`
	RuleIDs         []topology.RuleID    `json:"ruleIds"`
	URI             string               `json:"uri"`
	Addrs           string               `json:"addrs"`
}

// addrPorts is models/IpAddrPort.java: an address of a group, and the ports that have it.
type addrPorts struct {
	IPAddress string            `json:"ipAddress"`
	PortIDs   []topology.PortID `json:"portIds"`
}

// groupAddr is models/IpAddrGroupAddr.java.
type groupAddr struct {
	Addr    string               `json:"addr"`
	Version int                  `json:"version"`
	GroupID topology.AddrGroupID `json:"ipAddrGroupId"`
	URI     string               `json:"uri"`
	Group   string               `json:"ipAddrGroup"`
}

func (a *API) addrGroupRoutes() {
	a.serve("/ip_addr_groups",
		endpoint{http.MethodGet, nil, mediaAddrGroups, listAddrGroups},
		endpoint{http.MethodPost, mediaAddrGroup, nil, a.createAddrGroup},
	)
	a.serve("/ip_addr_groups/{id}",
		endpoint{http.MethodGet, nil, mediaAddrGroup, getAddrGroup},
		endpoint{http.MethodDelete, nil, nil, a.delete(topology.KindAddrGroup)},
	)
	a.serve("/ip_addr_groups/{id}/ip_addrs",
		endpoint{http.MethodGet, nil, mediaGroupAddrs, listGroupAddrs},
		endpoint{http.MethodPost, mediaGroupAddr, nil, a.createGroupAddr},
	)
	a.serve("/ip_addr_groups/{id}/versions/{version}/ip_addrs/{addr}",
		endpoint{http.MethodGet, nil, mediaGroupAddr, getGroupAddr},
		endpoint{http.MethodDelete, nil, nil, a.deleteGroupAddr},
	)
}

func (c *call) addrGroupURI(g topology.AddrGroupID) string {
	return c.base + "/ip_addr_groups/" + g.String()
}

// addrGroup returns the group that the path names.
func (c *call) addrGroup() (*topology.AddrGroup, error) {
	return find[*topology.AddrGroup](c, topology.KindAddrGroup, "id")
}

func listAddrGroups(c *call) (reply, error) {
	groups := ofTenant(c, topology.KindAddrGroup, func(g *topology.AddrGroup) string { return g.ProjectID })
	return reply{body: show(groups, c.showAddrGroup)}, nil
}

func getAddrGroup(c *call) (reply, error) {
	g, err := c.addrGroup()
	if err != nil {
		return reply{}, err
	}
	return reply{body: c.showAddrGroup(g)}, nil
}

func (c *call) showAddrGroup(g *topology.AddrGroup) addrGroup {
	uri := c.addrGroupURI(g.ID)
	shown := addrGroup{ID: g.ID, Name: g.Name, IPAddrPorts: c.addrsOf(g.ID), RuleIDs: []topology.RuleID{}, URI: uri, Addrs: uri + "/ip_addrs"}
	if ingress := topology.IngressChain(g.ID); !g.ByOperator && c.state.Get(topology.Key{Kind: topology.KindChain, ID: ingress}) != nil {
		shown.InboundChainID, shown.OutboundChainID = present(topology.EgressChain(g.ID)), present(ingress)
	}
	return shown
}

// addrsOf returns the members of the group, each once, with the ports that have it.
func (c *call) addrsOf(g topology.AddrGroupID) []addrPorts {
	all, at := []addrPorts{}, map[string]int{}
	for m := range c.state.GroupMembers(g) {
		text := addrText(m.Prefix)
		i, there := at[text]
		if !there {
			i = len(all)
			at[text] = i
			all = append(all, addrPorts{IPAddress: text, PortIDs: []topology.PortID{}})
		}
		if !m.Port.IsZero() {
			all[i].PortIDs = append(all[i].PortIDs, m.Port)
		}
	}
	return all
}

// addrText writes a prefix of one address as the address.
func addrText(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}

func (a *API) createAddrGroup(c *call) (reply, error) {
	var body struct {
		ID   *topology.AddrGroupID `json:"id"`
		Name string                `json:"name"`
	}
	if err := c.decode(&body); err != nil {
		return reply{}, err
	}
	var v violations
	v.size("name", body.Name, 1, maxName)
	if err := v.err(); err != nil {
		return reply{}, err
	}
	id := chosen(body.ID)
	return a.edit(c, c.addrGroupURI(id), func(e *operator.Edit) error {
		return e.CreateAddrGroup(&topology.AddrGroup{ID: id, Name: body.Name})
	})
}

func (c *call) showGroupAddr(g topology.AddrGroupID, addr string, version int) groupAddr {
	uri := c.addrGroupURI(g)
	return groupAddr{Addr: addr, Version: version, GroupID: g, Group: uri,
		URI: uri + "/versions/" + map[int]string{4: "4", 6: "6"}[version] + "/ip_addrs/" + url.QueryEscape(addr)}
}

func listGroupAddrs(c *call) (reply, error) {
	g, err := c.addrGroup()
	if err != nil {
		return reply{}, err
	}
	return reply{body: show(c.addrsOf(g.ID), func(x addrPorts) groupAddr { return c.showGroupAddr(g.ID, x.IPAddress, versionOf(x.IPAddress)) })}, nil
}

func versionOf(addr string) int {
	for _, r := range addr {
		if r == ':' {
			return 6
		}
	}
	return 4
}

// groupAddr reads the address that the path names, of the version that it names.
func (c *call) groupAddr() (netip.Addr, error) {
	version := map[string]int{"4": 4, "6": 6}[c.PathValue("version")]
	if version == 0 {
		return netip.Addr{}, errs.New(errs.Invalid, "BadVersion", "Invalid IP version: %s", c.PathValue("version"))
	}
	a, err := netip.ParseAddr(c.PathValue("addr"))
	if err != nil || a.Is4() != (version == 4) {
		return a, errs.New(errs.Invalid, "BadAddress", "%s is not a valid IP address", c.PathValue("addr"))
	}
	return a, nil
}

func getGroupAddr(c *call) (reply, error) {
	g, err := c.addrGroup()
	if err != nil {
		return reply{}, err
	}
	a, err := c.groupAddr()
	if err != nil {
		return reply{}, err
	}
	for _, x := range c.addrsOf(g.ID) {
		if x.IPAddress == a.String() {
			return reply{body: c.showGroupAddr(g.ID, x.IPAddress, versionOf(x.IPAddress))}, nil
		}
	}
	return reply{}, errs.New(errs.NotFound, "NotFound", "The IP address group does not contain the specified address %s", a)
}

func (a *API) createGroupAddr(c *call) (reply, error) {
	g, err := c.addrGroup()
	if err != nil {
		return reply{}, err
	}
	var body struct {
		Addr string `json:"addr"`
	}
	if err := c.decode(&body); err != nil {
		return reply{}, err
	}
	addr, err := netip.ParseAddr(body.Addr)
	if err != nil || addr.Zone() != "" || addr.Is4In6() {
		return reply{}, violations{{"addr", "is not a valid IP address"}}
	}
	return a.edit(c, c.showGroupAddr(g.ID, addr.String(), versionOf(addr.String())).URI, func(e *operator.Edit) error { return e.AddAddr(g.ID, addr) })
}

func (a *API) deleteGroupAddr(c *call) (reply, error) {
	g, err := c.addrGroup()
	if err != nil {
		return reply{}, err
	}
	addr, err := c.groupAddr()
	if err != nil {
		return reply{}, err
	}
	return a.edit(c, "", func(e *operator.Edit) error { return e.RemoveAddr(g.ID, addr) })
}
