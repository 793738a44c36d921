package run

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"midonet.org/midonet/test/freeport"
)

// The objects of TestAgentsOfAClusterAlone, by their last digit.
const (
	aNetwork = "aaaaaaaa-0000-4000-8000-00000000000%d"
	aSubnet  = "bbbbbbbb-0000-4000-8000-00000000000%d"
	aPort    = "cccccccc-0000-4000-8000-00000000000%d"
	aRouter  = "dddddddd-0000-4000-8000-00000000000%d"
	aFloat   = "eeeeeeee-0000-4000-8000-00000000000%d"
	aGroup   = "77777777-0000-4000-8000-00000000000%d"
	aRule    = "88888888-0000-4000-8000-00000000000%d"
)

// TestAgentsOfAClusterAlone: what the plugin of a Neutron elsewhere writes to the MidoNet API, agents obey. Two networks and a router
// join two workloads on two hosts; a security group, then a floating address, says who reaches whom.
func TestAgentsOfAClusterAlone(t *testing.T) {
	needsRoot(t)
	address, dir := freeport.Address(t), t.TempDir()
	uri := "http://" + address + "/midonet-api"
	c := &cloud{t: t, dir: dir, admin: NewAdminClient(dir)}
	serveUntilEnd(t, ServerConfig{ClusterOnly: true, StateDir: dir, MidoNetAPI: address, Log: slog.New(slog.DiscardHandler)}, uri)
	c.startHosts()
	m := newMidonetClient(t, uri)
	write := func(want int, method, path, class, body string, args ...any) {
		t.Helper()
		if got := m.do(t, method, path, class, fmt.Sprintf(body, args...)); got != want {
			t.Fatalf("%s %s: %d", method, path, got)
		}
	}
	port := func(n, on int, ip, more string) string {
		return fmt.Sprintf(`{"id": "`+aPort+`", "network_id": "`+aNetwork+`", "mac_address": "02:00:00:00:00:0%[1]d", "admin_state_up": true,
			"tenant_id": "t", "fixed_ips": [{"subnet_id": "`+aSubnet+`", "ip_address": %[4]q}], %[5]s}`, n, on, on, ip, more)
	}
	write(201, "POST", "/neutron/routers", "Router", `{"id": "`+aRouter+`", "name": "r", "tenant_id": "t", "admin_state_up": true}`, 1)
	write(201, "POST", "/neutron/security_groups", "SecurityGroup", `{"id": "`+aGroup+`", "name": "all", "tenant_id": "t",
		"security_group_rules": [{"id": "`+aRule+`", "direction": "egress", "ethertype": "IPv4"}]}`, 1, 1)
	write(201, "POST", "/neutron/security_groups", "SecurityGroup", `{"id": "`+aGroup+`", "name": "web", "tenant_id": "t",
		"security_group_rules": [{"id": "`+aRule+`", "direction": "ingress", "ethertype": "IPv4", "protocol": "udp",
		"port_range_min": 7, "port_range_max": 7, "remote_group_id": "`+aGroup+`"}]}`, 2, 2, 1)
	for n := 1; n <= 2; n++ {
		write(201, "POST", "/neutron/networks", "Network", `{"id": "`+aNetwork+`", "name": "n", "tenant_id": "t", "admin_state_up": true}`, n)
		write(201, "POST", "/neutron/subnets", "Subnet", `{"id": "`+aSubnet+`", "network_id": "`+aNetwork+`", "ip_version": 4,
			"cidr": "10.0.%[1]d.0/24", "gateway_ip": "10.0.%[1]d.1", "enable_dhcp": true, "tenant_id": "t"}`, n, n)
		write(201, "POST", "/neutron/ports", "Port", "%s", port(n+4, n, fmt.Sprintf("10.0.%d.1", n),
			`"device_owner": "network:router_interface", "device_id": "`+fmt.Sprintf(aRouter, 1)+`"`))
		write(204, "PUT", fmt.Sprintf("/neutron/routers/"+aRouter+"/add_router_interface", 1), "RouterInterface",
			`{"id": "`+aRouter+`", "port_id": "`+aPort+`", "subnet_ids": ["`+aSubnet+`"]}`, 1, n+4, n)
	}
	member := func(group int) string {
		return fmt.Sprintf(`"device_owner": "compute:nova", "security_groups": ["`+aGroup+`"], "port_security_enabled": true`, group)
	}
	write(201, "POST", "/neutron/ports", "Port", "%s", port(1, 1, "10.0.1.5", member(1)))
	write(201, "POST", "/neutron/ports", "Port", "%s", port(2, 2, "10.0.2.5", member(2)))
	one := c.hosts[0].plug(fmt.Sprintf(aPort, 1), "02:00:00:00:00:01", netip.MustParseAddr("10.0.1.5"))
	two := c.hosts[1].plug(fmt.Sprintf(aPort, 2), "02:00:00:00:00:02", netip.MustParseAddr("10.0.2.5"))
	one.routes("10.0.1.1")
	two.routes("10.0.2.1")
	two.answer()

	one.reaches(two.addr, true)
	path := "/neutron/ports/" + one.id
	write(200, "PUT", path, "Port", "%s", port(1, 1, "10.0.1.5", `"device_owner": "compute:nova", "port_security_enabled": false`))
	one.reaches(two.addr, false) // it is in no group that may
	write(200, "PUT", path, "Port", "%s", port(1, 1, "10.0.1.5", member(1)))
	one.reaches(two.addr, true)
	write(204, "DELETE", fmt.Sprintf("/neutron/security_group_rules/"+aRule, 2), "SecurityGroupRule", "{}")
	one.reaches(two.addr, false)
	write(201, "POST", "/neutron/security_group_rules", "SecurityGroupRule", `{"id": "`+aRule+`", "security_group_id": "`+aGroup+`",
		"direction": "ingress", "ethertype": "IPv4", "protocol": "udp", "port_range_min": 7, "port_range_max": 7}`, 3, 2)
	one.reaches(two.addr, true)

	floating := netip.MustParseAddr("10.0.1.77")
	one.reaches(floating, false)
	write(201, "POST", "/neutron/floating_ips", "FloatingIp", `{"id": "`+aFloat+`", "floating_ip_address": "10.0.1.77", "tenant_id": "t",
		"floating_network_id": "`+aNetwork+`", "router_id": "`+aRouter+`", "port_id": "`+aPort+`", "fixed_ip_address": "10.0.2.5"}`, 1, 1, 1, 2)
	one.reaches(floating, true)
	write(204, "DELETE", fmt.Sprintf("/neutron/floating_ips/"+aFloat, 1), "FloatingIp", "{}")
	one.reaches(floating, false)
}

// routes sends what the guest has no link for to the gateway.
func (g *guest) routes(gateway string) {
	g.t.Helper()
	g.do(func() error {
		link, err := netlink.LinkByName("eth0")
		if err != nil {
			return err
		}
		return netlink.RouteAdd(&netlink.Route{LinkIndex: link.Attrs().Index, Gw: net.ParseIP(gateway)})
	})
}

// reaches waits until the guest's datagrams to the address are answered, or until none is.
func (g *guest) reaches(addr netip.Addr, want bool) {
	g.t.Helper()
	what := map[bool]string{true: "reaches", false: "does not reach"}[want]
	eventually(g.t, g.id+" "+what+" "+addr.String(), func() bool { return g.asks(addr) == want })
}

// asks reports whether one of a few datagrams is answered.
func (g *guest) asks(addr netip.Addr) (answered bool) {
	g.do(func() error {
		conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(addr, echoPort)))
		if err != nil {
			return err
		}
		defer conn.Close()
		for range 3 {
			if _, err := conn.Write([]byte("?")); err != nil {
				return nil // unreachable, says ICMP
			}
			if err := conn.SetReadDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
				return err
			}
			if _, err := conn.Read(make([]byte, 8)); err == nil {
				answered = true
				return nil
			}
		}
		return nil
	})
	return answered
}
