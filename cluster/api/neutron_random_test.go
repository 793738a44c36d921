package api

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"midonet.org/midonet/topology"
)

// player makes requests of /neutron that any client might, sensible or not, about a handful of objects.
type player struct {
	*fixture
	*rand.Rand
	log []string // the requests and the statuses of the answers
}

// The identifiers that a player knows, by kind.
const each = 3

func (p *player) id(kind byte) string {
	return fmt.Sprintf("%[1]c%[1]c%[1]c%[1]c%[1]c%[1]c%[1]c%[1]c-0000-4000-8000-00000000000%[2]d", kind, p.IntN(each)+1)
}

// maybe returns the text as often as not, else null.
func (p *player) maybe(text string) string {
	if p.IntN(2) == 0 {
		return "null"
	}
	return `"` + text + `"`
}

func pick[T any](p *player, all ...T) T { return all[p.IntN(len(all))] }

// kinds of objects: the path of each, the media type, the digit of its identifiers, and a body for the identifier.
func (p *player) kinds() []struct {
	path, class string
	digit       byte
	body        func(id string) string
} {
	type kind = struct {
		path, class string
		digit       byte
		body        func(id string) string
	}
	address := func() string { return fmt.Sprintf("10.%d.0.%d", p.IntN(each)+1, p.IntN(4)+1) }
	rule := func(id string) string {
		return fmt.Sprintf(`{"id": %q, "security_group_id": %q, "direction": %q, "ethertype": "IPv4", "protocol": %s, "remote_group_id": %s}`,
			id, p.id('7'), pick(p, "ingress", "egress"), pick(p, "null", `"tcp"`, `"icmp"`), p.maybe(p.id('7')))
	}
	return []kind{
		{"/neutron/networks", "Network", 'a', func(id string) string {
			return fmt.Sprintf(`{"id": %q, "name": "n%d", "admin_state_up": true, "router:external": %v, "provider:network_type": %q, "mtu": %d}`,
				id, p.IntN(2), p.IntN(2) == 0, pick(p, "midonet", "midonet", "uplink"), 1400+p.IntN(2))
		}},
		{"/neutron/subnets", "Subnet", 'b', func(id string) string {
			return fmt.Sprintf(`{"id": %q, "network_id": %q, "ip_version": 4, "cidr": "10.%d.0.0/24", "gateway_ip": %s, "enable_dhcp": true}`,
				id, p.id('a'), p.IntN(each)+1, p.maybe(address()))
		}},
		{"/neutron/ports", "Port", 'c', func(id string) string {
			return fmt.Sprintf(`{"id": %q, "network_id": %q, "mac_address": "02:00:00:00:00:0%s", "admin_state_up": true, "fixed_ips": [%s],
				"device_owner": %q, "device_id": %q, "security_groups": [%s], "port_security_enabled": %v}`, id, p.id('a'), id[35:],
				pick(p, "", fmt.Sprintf(`{"subnet_id": %q, "ip_address": %q}`, p.id('b'), address())),
				pick(p, "compute:nova", "compute:nova", "network:dhcp", "network:router_interface", "network:router_gateway", "network:floatingip"),
				p.id('d'), pick(p, "", `"`+p.id('7')+`"`), p.IntN(2) == 0)
		}},
		{"/neutron/routers", "Router", 'd', func(id string) string {
			return fmt.Sprintf(`{"id": %q, "name": "r", "admin_state_up": true, "gw_port_id": %s, "external_gateway_info": %s, "routes": [%s]}`,
				id, p.maybe(p.id('c')), pick(p, "null", fmt.Sprintf(`{"network_id": %q, "enable_snat": true}`, p.id('a'))),
				pick(p, "", fmt.Sprintf(`{"destination": "192.168.0.0/16", "nexthop": %q}`, address())))
		}},
		{"/neutron/floating_ips", "FloatingIp", 'e', func(id string) string {
			bound := fmt.Sprintf(`"router_id": %q, "port_id": %q, "fixed_ip_address": %q`, p.id('d'), p.id('c'), address())
			return fmt.Sprintf(`{"id": %q, "floating_ip_address": %q, "floating_network_id": %q, %s}`,
				id, address(), p.id('a'), pick(p, bound, `"router_id": null, "port_id": null, "fixed_ip_address": null`))
		}},
		{"/neutron/security_groups", "SecurityGroup", '7', func(id string) string {
			return fmt.Sprintf(`{"id": %q, "name": "g%d", "security_group_rules": [%s]}`, id, p.IntN(2), pick(p, "", rule(p.id('8'))))
		}},
		{"/neutron/security_group_rules", "SecurityGroupRule", '8', rule},
	}
}

// play makes a request.
func (p *player) play() {
	kinds := p.kinds()
	k := pick(p, append(kinds, kinds[2], kinds[2], kinds[2])...) // ports above all
	id := p.id(k.digit)
	switch p.IntN(8) {
	case 0, 1, 2:
		p.send(http.MethodPost, k.path, k.class, k.body(id))
	case 3:
		p.send(http.MethodPut, k.path+"/"+id, k.class, k.body(id))
	case 4:
		p.send(http.MethodDelete, k.path+"/"+id, "", "{}")
	case 5:
		p.send(http.MethodPost, k.path, k.class+"s", "["+k.body(id)+","+k.body(p.id(k.digit))+"]")
	case 6, 7:
		action := pick(p, "add_router_interface", "add_router_interface", "remove_router_interface")
		p.send(http.MethodPut, "/neutron/routers/"+p.id('d')+"/"+action, "RouterInterface",
			fmt.Sprintf(`{"port_id": %q, "subnet_ids": [%q]}`, p.id('c'), p.id('b')))
	}
}

// send makes the request, which must be answered as the contract has it, and leave what full rendering gives.
func (p *player) send(method, path, class, body string) {
	p.Helper()
	h := header{}
	if class != "" {
		h["Content-Type"] = neutronMedia(class)
	}
	r := p.do(method, path, h, body)
	p.log = append(p.log, fmt.Sprintf("%s %s %s: %d", method, path, body, r.StatusCode))
	switch r.StatusCode {
	case 200, 201, 204, 400, 404, 405, 409, 415:
	default:
		p.Fatalf("%s\n%d %s", strings.Join(p.log, "\n"), r.StatusCode, r.body)
	}
	report, err := p.importer.Check(p.Context())
	if err != nil || len(report.Differences) > 0 {
		p.Fatalf("%s\nincremental differs from full: %v %v", strings.Join(p.log, "\n"), report.Differences, err)
	}
}

// TestAnyRequests: whatever is asked in whatever order, the topology is what the objects render to, and nothing is left when all are
// deleted, in any order too.
func TestAnyRequests(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			p := &player{fixture: newFixture(t), Rand: rand.New(rand.NewPCG(seed, 0))}
			accepted := 0
			for range 250 {
				p.play()
				if strings.HasSuffix(p.log[len(p.log)-1], ": 201") {
					accepted++
				}
			}
			if accepted < 20 {
				t.Errorf("%d objects were made, of which little can be said:\n%s", accepted, strings.Join(p.log, "\n"))
			}
			kinds := p.kinds()
			p.Shuffle(len(kinds), func(i, j int) { kinds[i], kinds[j] = kinds[j], kinds[i] })
			for _, k := range kinds {
				for range 10 * each {
					p.send(http.MethodDelete, k.path+"/"+p.id(k.digit), "", "{}")
				}
				var left []struct{ ID string }
				p.get(k.path, "*/*").want(200).decode(&left)
				for _, o := range left {
					p.send(http.MethodDelete, k.path+"/"+o.ID, "", "{}")
				}
			}
			p.wantStored(topology.KindSource, 0)
			p.wantStored(topology.KindPort, 0)
			p.wantStored(topology.KindTunnelKey, 0)
		})
	}
}
