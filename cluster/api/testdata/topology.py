"""Drives the topology half of python-midonetclient as it is: hosts, tunnel zones, bridges, routers, chains and rules. Prints one line for
each step."""
import sys

from midonetclient import api

uri, password, host = sys.argv[1:]
m = api.MidonetApi(uri, 'admin', password)


def refused(call, *args):
    try:
        call(*args)
    except Exception as e:
        return type(e).__name__
    return 'not refused'


# Hosts and tunnel zones.
h = m.get_host(host)
print('host', h.get_name(), h.is_alive())
zone = m.add_vxlan_tunnel_zone().name('tz').create()
print('zone', zone.get_name(), zone.get_type(), len(list(m.get_tunnel_zones({}))))
gre = m.add_gre_tunnel_zone().name('gre').create()
print('refused', refused(m.add_vxlan_tunnel_zone().name('tz').create), gre.get_type())
gre.delete()
zone.add_tunnel_zone_host().host_id(host).ip_address('192.0.2.1').create()
print('zone hosts', [(x.get_host_id() == host, x.get_ip_address()) for x in zone.get_hosts()])
zone.name('renamed').update()
print('renamed', m.get_tunnel_zone(zone.get_id()).get_name())

# Bridges, with ports, DHCP and the device's filters.
bridge = m.add_bridge().name('b').tenant_id('t').create()
print('bridge', bridge.get_name(), bridge.get_tenant_id(), bridge.get_admin_state_up())
bridge.name('b2').admin_state_up(False).update()
print('updated', bridge.get_name(), bridge.get_admin_state_up())
bridge.admin_state_up(True).update()
ports = [bridge.add_port().create() for _ in range(3)]
print('ports', [p.get_type() for p in bridge.get_ports()])
subnet = m.add_bridge_dhcp(bridge, '10.0.0.1', '10.0.0.0/24', host_rts=[{'destination': '10.9.0.0/16', 'nexthop': '10.0.0.9'}],
                           dns_nservers=['9.9.9.9'])
print('dhcp', subnet.get_subnet_prefix(), subnet.get_subnet_length(), subnet.get_opt121_routes(), subnet.is_enabled())
dhcp_host = subnet.add_dhcp_host().mac_addr('02:00:00:00:00:01').ip_addr('10.0.0.5').name('vm').create()
print('dhcp host', dhcp_host.get_ip_addr(), [x.get_mac_addr() for x in subnet.get_dhcp_hosts()])
m.update_bridge_dhcp(bridge, '10.0.0.0/24', '10.0.0.254', enabled=False)
print('dhcp updated', [(s.get_default_gateway(), s.is_enabled()) for s in bridge.get_dhcp_subnets()])

# Routers, with ports, links and routes.
router = m.add_router().name('r').tenant_id('t').create()
print('router', router.get_name(), router.get_tenant_id(), len(list(m.get_routers({}))))
rport = router.add_port().port_address('10.0.0.1').network_address('10.0.0.0').network_length(24).create()
print('router port', rport.get_type(), rport.get_port_address(), rport.get_network_length(), rport.get_port_mac()[:8])
rport.link(ports[0].get_id())
print('linked', rport.get_peer_id() == ports[0].get_id(), [p.get_id() == rport.get_id() for p in bridge.get_peer_ports()])
print('refused', refused(ports[1].link, rport.get_id()))
route = m.add_router_route(router, 'Normal', '0.0.0.0', 0, '10.0.0.0', 24, rport.get_id(), None, 100)
print('routes', sorted((r.get_type(), r.get_dst_network_addr(), r.get_dst_network_length(), r.get_weight()) for r in router.get_routes()))
print('refused', refused(m.add_router_route, router, 'Normal', '0.0.0.0', 0, '10.1.0.0', 24, ports[1].get_id(), None, 100))

# Chains and rules.
chain, other = m.add_chain().name('c').tenant_id('t').create(), m.add_chain().name('d').tenant_id('t').create()
chain.add_rule().type('accept').nw_proto(6).tp_dst({'start': 80, 'end': 80}).create()
chain.add_rule().type('jump').jump_chain_id(other.get_id()).position(2).create()
chain.add_rule().type('drop').position(3).create()
nat = other.add_rule().type('snat').flow_action('accept').nat_targets(
    [{'addressFrom': '10.0.0.9', 'addressTo': '10.0.0.9', 'portFrom': 1024, 'portTo': 65535}]).create()
print('rules', [(r.get_type(), r.get_position()) for r in chain.get_rules()], nat.get_nat_targets()[0]['portTo'], nat.get_flow_action())
group = m.add_ip_addr_group().name('g').create()
group.add_ipv4_addr().addr('10.0.0.7').create()
print('addresses', [a.get_addr() for a in group.get_addrs()])
rule = chain.add_rule().type('reject').ip_addr_group_src(group.get_id()).inv_ip_addr_group_src(True).create()
print('rule', rule.get_ip_addr_group_src() == group.get_id(), m.get_rule(rule.get_id()).get_position())
ports[2].inbound_filter_id(chain.get_id()).update()
bridge.outbound_filter_id(chain.get_id()).update()
router.inbound_filter_id(other.get_id()).update()
print('filters', m.get_port(ports[2].get_id()).get_inbound_filter_id() == chain.get_id(), m.get_bridge(bridge.get_id()).get_outbound_filter_id() == chain.get_id(),
      m.get_router(router.get_id()).get_inbound_filter_id() == other.get_id())
portgroup = m.add_port_group().name('pg').tenant_id('t').stateful(True).create()
portgroup.add_port_group_port().port_id(ports[2].get_id()).create()
print('port group', portgroup.is_stateful(), [p.get_port_id() == ports[2].get_id() for p in portgroup.get_ports()],
      len(list(m.get_port(ports[2].get_id()).get_port_groups())))
h.add_host_interface_port().port_id(ports[2].get_id()).interface_name('tap0').create()
print('bound', m.get_port(ports[2].get_id()).get_interface_name(), refused(h.add_host_interface_port().port_id(rport.get_id()).interface_name('tap1').create))

# All of it goes.
m.delete_rule(rule.get_id())
route.delete()
other.delete()
print('rules', [r.get_type() for r in chain.get_rules()], m.get_router(router.get_id()).get_inbound_filter_id())
rport.unlink()
print('unlinked', m.get_port(ports[0].get_id()).get_peer_id())
for x in (chain, portgroup, group, router, bridge, zone):
    x.delete()
print('left', [len(list(call({}))) for call in (m.get_chains, m.get_port_groups, m.get_ip_addr_groups, m.get_routers, m.get_bridges, m.get_ports,
                                                m.get_tunnel_zones)], len(list(h.get_ports())))
