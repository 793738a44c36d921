package api

import (
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/netip"
	"strings"

	"midonet.org/midonet/cluster/operator"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

const (
	mediaDHCP6Subnet  = "application/vnd.org.midonet.DhcpV6Subnet-v1+json"
	mediaDHCP6Subnets = "application/vnd.org.midonet.collection.DhcpV6Subnet-v1+json"
	mediaDHCP6Host    = "application/vnd.org.midonet.DhcpV6Host-v1+json"
	mediaDHCP6Hosts   = "application/vnd.org.midonet.collection.DhcpV6Host-v1+json"
)

// dhcp6Subnet is models/DhcpSubnet6.java.
type dhcp6Subnet struct {
	Prefix       netip.Addr `json:"prefix"`
	PrefixLength int        `json:"prefixLength"`
	Hosts        string     `json:"hosts"`
	URI          string     `json:"uri"`
}

// dhcp6Host is models/DhcpV6Host.java. Agents know a client by its MAC address, so that the client's identifier is one that has a MAC
// address: shown as DUID-LL (RFC 8415 section 11.4), and read as that or as DUID-LLT.
type dhcp6Host struct {
	ClientID     string     `json:"clientId"`
	FixedAddress netip.Addr `json:"fixedAddress"`
	Name         string     `json:"name"`
	URI          string     `json:"uri"`
}

func (a *API) dhcp6Routes() {
	subnet, host := []string{mediaDHCP6Subnet, mediaJSON}, []string{mediaDHCP6Host, mediaJSON}
	a.serve("/bridges/{id}/dhcpV6",
		endpoint{http.MethodGet, nil, []string{mediaDHCP6Subnets}, listDHCP6Subnets},
		endpoint{http.MethodPost, subnet, nil, a.createDHCP6Subnet},
	)
	a.serve("/bridges/{id}/dhcpV6/{subnet}",
		endpoint{http.MethodGet, nil, subnet, getDHCP6Subnet},
		endpoint{http.MethodPut, subnet, nil, updateDHCP6Subnet},
		endpoint{http.MethodDelete, nil, nil, a.deleteDHCP},
	)
	a.serve("/bridges/{id}/dhcpV6/{subnet}/hostsV6",
		endpoint{http.MethodGet, nil, []string{mediaDHCP6Hosts}, listDHCP6Hosts},
		endpoint{http.MethodPost, host, nil, func(c *call) (reply, error) { return a.putDHCP6Host(c, true) }},
	)
	a.serve("/bridges/{id}/dhcpV6/{subnet}/hostsV6/{client}",
		endpoint{http.MethodGet, nil, host, getDHCP6Host},
		endpoint{http.MethodPut, host, nil, func(c *call) (reply, error) { return a.putDHCP6Host(c, false) }},
		endpoint{http.MethodDelete, nil, nil, a.deleteDHCP6Host},
	)
}

func (c *call) subnet6URI(d *topology.DHCP) string {
	return c.bridgeURI(d.Bridge) + "/dhcpV6/" + subnetName(d.Prefix)
}

func listDHCP6Subnets(c *call) (reply, error) {
	b, err := c.bridge()
	if err != nil {
		return reply{}, err
	}
	subnets := []dhcp6Subnet{}
	for d := range c.state.DHCPs(b.ID) {
		if d.Prefix.Addr().Is6() {
			subnets = append(subnets, c.showDHCP6Subnet(d))
		}
	}
	return reply{body: subnets}, nil
}

func getDHCP6Subnet(c *call) (reply, error) {
	d, err := c.dhcp()
	if err != nil {
		return reply{}, err
	}
	return reply{body: c.showDHCP6Subnet(d)}, nil
}

func (c *call) showDHCP6Subnet(d *topology.DHCP) dhcp6Subnet {
	uri := c.subnet6URI(d)
	return dhcp6Subnet{Prefix: d.Prefix.Addr(), PrefixLength: d.Prefix.Bits(), URI: uri, Hosts: uri + "/hostsV6"}
}

// readDHCP6Prefix reads all that clients say of a subnet.
func (c *call) readDHCP6Prefix() (netip.Prefix, error) {
	var body struct {
		Prefix       *string     `json:"prefix"`
		PrefixLength json.Number `json:"prefixLength"`
	}
	if err := c.decode(&body); err != nil {
		return netip.Prefix{}, err
	}
	var v violations
	prefix := v.prefix("prefix", body.Prefix, "prefixLength", body.PrefixLength)
	v.add(prefix.IsValid() && !prefix.Addr().Is6(), "prefix", "is an invalid IPv6 format")
	v.add(prefix.IsValid() && prefix != prefix.Masked(), "prefix", "has bits beyond prefixLength")
	return prefix, v.err()
}

// createDHCP6Subnet makes a subnet whose reservations DHCPv6 hands out.
func (a *API) createDHCP6Subnet(c *call) (reply, error) {
	b, err := c.bridge()
	if err != nil {
		return reply{}, err
	}
	prefix, err := c.readDHCP6Prefix()
	if err != nil {
		return reply{}, err
	}
	d := topology.DHCP{Bridge: b.ID, Prefix: prefix, Enabled: true, LeaseSeconds: leaseSeconds, AddressMode: topology.DHCPv6Stateful}
	return a.edit(c, c.subnet6URI(&d), func(e *operator.Edit) error {
		made := d
		return e.CreateDHCP(&made)
	})
}

// updateDHCP6Subnet has nothing to change: a subnet is its prefix.
func updateDHCP6Subnet(c *call) (reply, error) {
	d, err := c.dhcp()
	if err != nil {
		return reply{}, err
	}
	prefix, err := c.readDHCP6Prefix()
	if err == nil && prefix != d.Prefix {
		err = errs.New(errs.Invalid, "NotSettable", "The prefix of a subnet cannot be changed.")
	}
	return reply{}, err
}

func (c *call) showDHCP6Host(d *topology.DHCP, h *topology.DHCPHost) dhcp6Host {
	id := clientID(h.MAC)
	return dhcp6Host{ClientID: id, FixedAddress: h.Addr, Name: h.Hostname, URI: c.subnet6URI(d) + "/hostsV6/" + uriMAC(id)}
}

// clientID returns the identifier of type DUID-LL of an Ethernet station.
func clientID(hw mac.Addr) string { return "00:03:00:01:" + hw.String() }

// station returns the Ethernet address in a client's identifier of type DUID-LL or DUID-LLT, with colons or hyphens.
func station(clientID string) (hw mac.Addr, ok bool) {
	b, err := hex.DecodeString(strings.NewReplacer(":", "", "-", "").Replace(clientID))
	switch {
	case err != nil:
		return hw, false
	case len(b) == 10 && string(b[:4]) == "\x00\x03\x00\x01", len(b) == 14 && string(b[:4]) == "\x00\x01\x00\x01":
		return mac.Addr(b[len(b)-6:]), true
	}
	return hw, false
}

func listDHCP6Hosts(c *call) (reply, error) {
	d, err := c.dhcp()
	if err != nil {
		return reply{}, err
	}
	return reply{body: show(c.hostsOf(d), func(h *topology.DHCPHost) dhcp6Host { return c.showDHCP6Host(d, h) })}, nil
}

func getDHCP6Host(c *call) (reply, error) {
	d, hw, err := c.dhcp6Host()
	if err != nil {
		return reply{}, err
	}
	for _, h := range c.hostsOf(d) {
		if h.MAC == hw {
			return reply{body: c.showDHCP6Host(d, h)}, nil
		}
	}
	return reply{}, noDHCP6Host(c.PathValue("client"))
}

func noDHCP6Host(client string) error {
	return errs.New(errs.NotFound, "NotFound", "The subnet has no host with the client identifier %s.", client)
}

// dhcp6Host returns the subnet that the path names, and whose reservation.
func (c *call) dhcp6Host() (*topology.DHCP, mac.Addr, error) {
	d, err := c.dhcp()
	if err != nil {
		return nil, mac.Addr{}, err
	}
	hw, ok := station(c.PathValue("client"))
	if !ok {
		return nil, hw, noDHCP6Host(c.PathValue("client"))
	}
	return d, hw, nil
}

func (a *API) putDHCP6Host(c *call, fresh bool) (reply, error) {
	d, err := c.dhcp()
	if err != nil {
		return reply{}, err
	}
	var body struct {
		ClientID     *string `json:"clientId"`
		FixedAddress *string `json:"fixedAddress"`
		Name         *string `json:"name"`
	}
	if err := c.decode(&body); err != nil {
		return reply{}, err
	}
	var v violations
	hw, ok := station(given(body.ClientID))
	v.add(!ok, "clientId", "must be a DUID-LLT or DUID-LL of an Ethernet address (RFC 8415), such as %s", clientID(mac.Addr{2, 0, 0, 0, 0, 1}))
	h := topology.DHCPHost{MAC: hw, Addr: v.reserved("fixedAddress", body.FixedAddress, d.Prefix), Hostname: given(body.Name)}
	v.size("name", h.Hostname, 0, maxName)
	if err := v.err(); err != nil {
		return reply{}, err
	}
	if !fresh {
		if _, named, err := c.dhcp6Host(); err != nil || named != hw {
			return reply{}, errs.New(errs.Invalid, "NotSettable", "The client identifier of a host cannot be changed.")
		}
	}
	return a.reserve(c, d, h, fresh, c.subnet6URI(d)+"/hostsV6/"+uriMAC(clientID(hw)))
}

func (a *API) deleteDHCP6Host(c *call) (reply, error) {
	d, hw, err := c.dhcp6Host()
	if err != nil {
		return reply{}, err
	}
	return a.edit(c, "", func(e *operator.Edit) error { return e.DeleteDHCPHost(d.ID, hw) })
}
