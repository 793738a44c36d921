"""Drives what python-midonetclient has for BGP, load balancing, mirrors, quality of service, service containers, traces and switches, as it
is. Prints one line for each step."""
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


bridge, router = m.add_bridge().name('b').tenant_id('t').create(), m.add_router().name('r').tenant_id('t').create()
port, other = bridge.add_port().create(), bridge.add_port().create()
rport = router.add_port().port_address('10.0.0.1').network_address('10.0.0.0').network_length(24).create()

router.asn(65001).update()
network = router.add_bgp_network().subnet_address('198.51.100.0').subnet_length(24).create()
peer = router.add_bgp_peer().asn(65000).address('192.0.2.9').keep_alive(5).create()
peer.hold_time(30).update()
print('bgp', m.get_router(router.get_id()).get_asn(), [(n.get_subnet_address(), n.get_subnet_length()) for n in router.get_bgp_networks()],
      [(p.get_asn(), p.get_address(), p.get_keep_alive(), p.get_hold_time()) for p in router.get_bgp_peers()], rport.get_bgp_status())
print('refused', refused(router.add_bgp_peer().asn(65000).address('192.0.2.9').create))

lb = m.add_load_balancer().create()
router.load_balancer_id(lb.get_id()).update()
print('load balancer', m.get_load_balancer(lb.get_id()).get_router_id() == router.get_id())
monitor = m.add_health_monitor().type('TCP').delay(1).timeout(2).max_retries(3).create()
pool = lb.add_pool().lb_method('ROUND_ROBIN').health_monitor_id(monitor.get_id()).create()
member = pool.add_pool_member().address('10.0.0.5').protocol_port(80).create()
member.weight(7).update()
vip = pool.add_vip().address('10.0.0.6').protocol_port(80).session_persistence('SOURCE_IP').create()
print('pool', [p.get_protocol() for p in lb.get_pools()], [(x.get_address(), x.get_weight(), x.get_status()) for x in pool.get_pool_members()],
      [(v.get_address(), v.get_session_persistence(), v.get_load_balancer_id() == lb.get_id()) for v in lb.get_vips()],
      [p.get_id() == pool.get_id() for p in monitor.get_pools()])
print('refused', refused(router.delete))

mirror = m.add_mirror().to_port(other.get_id()).set_conditions([{'nwProto': 6}]).create()
port.inbound_mirrors([mirror.get_id()]).update()
print('mirror', m.get_mirror(mirror.get_id()).get_conditions()[0]['nwProto'], len(m.get_port(port.get_id()).get_inbound_mirrors()))
insertion = m.add_l2insertion().port(port.get_id()).srv_port(other.get_id()).mac('02:00:00:00:00:01').fail_open(True).create()
print('insertion', insertion.get_mac(), insertion.get_fail_open(), len(list(m.get_l2insertions({}))))

policy = m.add_qos_policy().name('gold').description('d').shared(True).create()
m.add_qos_bw_limit_rule(policy, 100, 10)
dscp = m.add_qos_dscp_rule(policy, 26)
dscp.dscp_mark(27).update()
port.qos_policy_id(policy.get_id()).update()
print('qos', policy.get_name(), [(r.get_max_kbps(), r.get_max_burst_kb()) for r in policy.get_bw_limit_rules()],
      [r.get_dscp_mark() for r in policy.get_dscp_rules()], m.get_port(port.get_id()).get_qos_policy_id() == policy.get_id())

group = m.add_service_container_group().policy('LEAST').create()
container = group.add_service_container().service_type('IPSEC').port_id(rport.get_id()).create()
print('container', group.get_policy(), [(c.get_service_type(), c.get_status()) for c in group.get_service_containers()])

trace = m.add_tracerequest().set_name('t').set_port(port.get_id())
trace.nw_proto(6)
trace = trace.create()
trace.set_enabled(True).update()
print('trace', [(t.get_name(), t.get_enabled(), t.get_nw_proto()) for t in m.get_tracerequests({})])

zone = m.add_vtep_tunnel_zone().name('v').create()
vtep = m.add_vtep().management_ip('192.0.2.50').management_port(6632).tunnel_zone_id(zone.get_id()).create()
binding = vtep.add_binding().port_name('eth1').vlan_id(7).network_id(bridge.get_id()).create()
print('vtep', vtep.get_connection_state(), [(b.get_port_name(), b.get_vlan_id()) for b in vtep.get_bindings()],
      [p.get_type() for p in m.get_ports({}) if p.get_type() == 'Vxlan'], refused(vtep.get_ports), refused(bridge.delete))
binding.delete()

for x in (lb, monitor, insertion, policy, group, vtep, zone, router, bridge):
    x.delete()
print('left', [len(list(call({}))) for call in (m.get_load_balancers, m.get_pools, m.get_pool_members, m.get_vips, m.get_health_monitors, m.get_mirrors,
                                                m.get_l2insertions, m.get_qos_policies, m.get_service_containers, m.get_service_container_groups,
                                                m.get_tracerequests, m.get_routers, m.get_bridges, m.get_ports)], len(list(m.get_vteps())))
