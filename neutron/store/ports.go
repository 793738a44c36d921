package store

import (
	"encoding/json"
	"net/netip"
	"strings"

	"github.com/huandu/go-sqlbuilder"

	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
)

var ports = table[model.Port]{
	from: "ports t",
	columns: append(standardColumns[:len(standardColumns):len(standardColumns)], "t.name", "t.network_id", "t.mac_address",
		"t.admin_state_up", "t.status", "t.device_id", "t.device_owner", "t.host_id", "t.profile", "t.vif_type", "t.vnic_type",
		"t.port_security_enabled", "t.dns_name", "t.dns_domain"),
	attrs: withStandard(map[string]column{
		"network_id":        {"t.network_id", text},
		"mac_address":       {"t.mac_address", text},
		"admin_state_up":    {"t.admin_state_up", boolean},
		"status":            {"t.status", text},
		"device_id":         {"t.device_id", text},
		"device_owner":      {"t.device_owner", text},
		"binding:host_id":   {"t.host_id", text},
		"binding:vif_type":  {"t.vif_type", text},
		"binding:vnic_type": {"t.vnic_type", text},
	}),
	// The owner of a network sees every port on it (_port_query_hook in neutron/db/db_base_plugin_v2.py).
	visible: func(b *sqlbuilder.SelectBuilder, project string) string {
		return b.Or(b.Equal("t.project_id", project),
			"t.network_id IN (SELECT id FROM networks WHERE "+b.Equal("project_id", project)+")")
	},
	filter: portFilter,
	scan:   scanPort,
	parts: []part[model.Port]{
		tagsOf(func(p *model.Port) *[]string { return &p.Tags }),
		portAddresses,
		portDHCPOptions,
		portSecurityGroups,
		portAddressPairs,
	},
}

// portFilter answers the filters by what is in other tables.
func portFilter(b *sqlbuilder.SelectBuilder, _ Scope, f plugin.Filter) (string, bool, error) {
	switch f.Attr {
	case "security_groups":
		groups := b.In("security_group_id", sqlbuilder.Flatten(f.Values)...)
		return "t.id IN (SELECT port_id FROM securitygroupportbindings WHERE " + groups + ")", true, nil
	case "fixed_ips":
		return fixedIPsFilter(b, f)
	}
	return "", false, nil
}

// fixedIPsFilter answers fixed_ips, whose values say ip_address=A, subnet_id=S or ip_address_substr=T. Values of one kind are
// alternatives; kinds add up, and others are passed over (_get_ports_query in the original).
func fixedIPsFilter(b *sqlbuilder.SelectBuilder, f plugin.Filter) (string, bool, error) {
	byKind := map[string][]any{}
	for _, v := range f.Values {
		kind, value, _ := strings.Cut(v, "=")
		if kind == "ip_address" {
			a, _ := netip.ParseAddr(value) // what is no address has no octets, and no port has it
			byKind[kind] = append(byKind[kind], a.AsSlice())
			continue
		}
		byKind[kind] = append(byKind[kind], value)
	}
	var all []string
	if parts := byKind["ip_address_substr"]; len(parts) > 0 {
		all = append(all, "t.id IN (SELECT port_id FROM ipallocations WHERE "+b.Or(addressHas(b, parts)...)+")")
	}
	for _, kind := range []string{"ip_address", "subnet_id"} {
		if values := byKind[kind]; len(values) > 0 {
			all = append(all, "t.id IN (SELECT port_id FROM ipallocations WHERE "+b.In(kind, values...)+")")
		}
	}
	return b.And(all...), true, nil
}

// addressHas is that the text of an address has one of the parts, in whatever case it is written.
func addressHas(b *sqlbuilder.SelectBuilder, parts []any) []string {
	var either []string
	for _, part := range parts {
		either = append(either, "INSTR("+addressText+"(ip_address), "+b.Var(strings.ToLower(part.(string)))+") > 0")
	}
	return either
}

func scanPort(rows row) (*model.Port, error) {
	p := &model.Port{FixedIPs: []model.FixedIP{}, ExtraDHCP: []model.ExtraDHCPOpt{}, SecurityGroups: []model.SecurityGroupID{},
		AllowedAddressPairs: []model.AddressPair{}}
	var profile string
	err := rows.Scan(append(standardTargets(&p.ID, &p.Standard), &p.Name, textual(&p.NetworkID), scanMAC{&p.MACAddress},
		&p.AdminStateUp, &p.Status, &p.DeviceID, &p.DeviceOwner, &p.HostID, &profile, &p.VIFType, &p.VNICType,
		&p.PortSecurityEnabled, &p.DNSName, &p.DNSDomain)...)
	p.Profile = json.RawMessage(profile)
	return p, err
}

var portAddresses = part[model.Port]{order: byPosition, columns: []string{"subnet_id", "HEX(ip_address)"}, from: "ipallocations WHERE port_id = t.id",
	add: func(p *model.Port, r row) error {
		var f model.FixedIP
		err := r.Scan(textual(&f.SubnetID), address{&f.IPAddress})
		p.FixedIPs = append(p.FixedIPs, f)
		return err
	}}

var portDHCPOptions = part[model.Port]{columns: []string{"opt_name", "ip_version", "opt_value"}, longest: shortRow + (64+255)*mostEscaped,
	from: "extradhcpopts WHERE port_id = t.id", add: func(p *model.Port, r row) error {
		var o model.ExtraDHCPOpt
		err := r.Scan(&o.Name, &o.IPVersion, &o.Value)
		p.ExtraDHCP = append(p.ExtraDHCP, o)
		return err
	}}

// Port returns a port, or ErrNotFound where there is none that scope sees. VIFDetails are not stored; the plugin fills them in.
func Port(q Querier, portID string, scope Scope) (*model.Port, error) {
	return ports.get(q, portID, scope)
}

// ListPorts answers a list request. VIFDetails are not stored; the plugin fills them in.
func ListPorts(q Querier, scope Scope, want plugin.Query) ([]*model.Port, error) {
	return ports.list(q, scope, want)
}

// PortsOf returns the ports of a network.
func PortsOf(q Querier, network model.NetworkID) ([]*model.Port, error) {
	page, err := ListPorts(q, Scope{}, plugin.Query{
		Filters: []plugin.Filter{{Attr: "network_id", Values: []string{network.String()}}},
	})
	return page, err
}

// PortsOnSubnet returns the ports that have an address of a subnet.
func PortsOnSubnet(q Querier, subnet model.SubnetID) ([]*model.Port, error) {
	page, err := ListPorts(q, Scope{}, plugin.Query{
		Filters: []plugin.Filter{{Attr: "fixed_ips", Values: []string{"subnet_id=" + subnet.String()}}},
	})
	return page, err
}

// InsertPort stores a new port without its addresses. A MAC address that is in use violates UniqueMAC, a network that has gone
// violates Reference.
func InsertPort(tx *Tx, p *model.Port) error {
	_, err := tx.Exec(`INSERT INTO ports (id, project_id, description, created_at, updated_at, revision_number, stamp,
		name, network_id, mac_address, admin_state_up, status, device_id, device_owner, host_id, profile, vif_type, vnic_type,
		port_security_enabled, dns_name, dns_domain)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		append(standardValues(p.ID, &p.Standard), p.Name, p.NetworkID.String(), p.MACAddress.String(), p.AdminStateUp, p.Status,
			p.DeviceID, p.DeviceOwner, p.HostID, string(p.Profile), p.VIFType, p.VNICType, p.PortSecurityEnabled, p.DNSName, p.DNSDomain)...)
	if err != nil {
		return err
	}
	return insertDHCPOptions(tx, p)
}

// UpdatePort stores a port that was read in this transaction and changed, without its addresses. It counts RevisionNumber up, in the
// value too.
func UpdatePort(tx *Tx, p *model.Port) error {
	err := bump(tx, &p.Standard, `UPDATE ports SET revision_number = ?, updated_at = ?, stamp = ?, description = ?, name = ?, mac_address = ?,
		admin_state_up = ?, status = ?, device_id = ?, device_owner = ?, host_id = ?, profile = ?, vif_type = ?, vnic_type = ?,
		port_security_enabled = ?, dns_name = ?, dns_domain = ? WHERE id = ? AND revision_number = ?`,
		p.Description, p.Name, p.MACAddress.String(), p.AdminStateUp, p.Status, p.DeviceID, p.DeviceOwner, p.HostID,
		string(p.Profile), p.VIFType, p.VNICType, p.PortSecurityEnabled, p.DNSName, p.DNSDomain, p.ID.String())
	if err != nil {
		return err
	}
	if _, err := tx.Exec(`DELETE FROM extradhcpopts WHERE port_id = ?`, p.ID.String()); err != nil {
		return err
	}
	return insertDHCPOptions(tx, p)
}

func insertDHCPOptions(tx *Tx, p *model.Port) error {
	for _, o := range p.ExtraDHCP {
		if _, err := tx.Exec(`INSERT INTO extradhcpopts (port_id, opt_name, ip_version, opt_value) VALUES (?, ?, ?, ?)`,
			p.ID.String(), o.Name, o.IPVersion, o.Value); err != nil {
			return err
		}
	}
	return nil
}

// SetPortStatus writes a port's status where it is another, and reports whether it was.
func SetPortStatus(tx *Tx, portID string, status model.Status, now model.Time) (bool, error) {
	res, err := tx.Exec(`UPDATE ports SET status = ?, updated_at = ?, revision_number = revision_number + 1, stamp = ?
		WHERE id = ? AND status <> ?`, status, timeText(now), newStamp(), portID, status)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

// DeletePort removes a port that was read under its lock, and its addresses and options with it, or returns ErrNotFound. Floating addresses and
// forwardings that lead to it, and a router whose gateway it is, violate Reference.
func DeletePort(tx *Tx, p *model.Port) error {
	const query = `DELETE FROM ports WHERE id = ?`
	if len(p.Tags) == 0 {
		return tx.deleteOne(query, p.ID.String())
	}
	return tx.deleteTagged(query, p.ID.String())
}
