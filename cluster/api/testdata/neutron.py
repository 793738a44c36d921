"""Drives the API with python-midonetclient as it is, by every call of its Neutron mixins for networks, routers and security groups, in the
order and with the dictionaries of networking-midonet's plugin. Fails where a call is missing here, or is answered otherwise than it should."""
import sys

from midonetclient import client
from midonetclient.neutron import l3
from midonetclient.neutron import network
from midonetclient.neutron import securitygroup

uri, password = sys.argv[1:]
NET, SUB = 'aaaaaaaa-0000-4000-8000-00000000000%d', 'bbbbbbbb-0000-4000-8000-00000000000%d'
PORT, ROUTER = 'cccccccc-0000-4000-8000-00000000000%d', 'dddddddd-0000-4000-8000-00000000000%d'
FLOATING, GROUP, RULE = ('eeeeeeee-0000-4000-8000-00000000000%d', '77777777-0000-4000-8000-00000000000%d',
                         '88888888-0000-4000-8000-00000000000%d')
MIXINS = (network.NetworkClientMixin, l3.L3ClientMixin, securitygroup.SecurityGroupClientMixin)
called = set()


class Recorded(client.MidonetClient):
    """The client, which notes what is called."""

    def __getattribute__(self, name):
        if any(name in vars(m) for m in MIXINS):
            called.add(name)
        return super(Recorded, self).__getattribute__(name)


def standard(**attrs):
    return dict(attrs, tenant_id='t1', project_id='t1', description=attrs.get('description', ''), created_at='2018-06-01T09:00:00Z',
                updated_at='2018-06-01T09:00:00Z', revision_number=1, tags=[])


def net(i, **attrs):
    return standard(**dict({
        'id': NET % i, 'name': 'net%d' % i, 'admin_state_up': True, 'mtu': 1450, 'status': 'ACTIVE', 'subnets': [], 'shared': False,
        'port_security_enabled': True, 'router:external': False, 'provider:network_type': 'midonet', 'provider:physical_network': None,
        'provider:segmentation_id': None, 'availability_zone_hints': [], 'availability_zones': [], 'ipv4_address_scope': None,
        'ipv6_address_scope': None, 'qos_policy_id': None}, **attrs))


def sub(i, on, cidr, gateway, **attrs):
    return standard(**dict({
        'id': SUB % i, 'name': 'sub%d' % i, 'network_id': NET % on, 'ip_version': 6 if ':' in cidr else 4, 'cidr': cidr,
        'gateway_ip': gateway, 'enable_dhcp': True, 'subnetpool_id': None, 'allocation_pools': [], 'host_routes': [],
        'dns_nameservers': [], 'ipv6_ra_mode': None, 'ipv6_address_mode': None, 'service_types': [], 'shared': False}, **attrs))


def port(i, on, ips, owner, device, **attrs):
    return standard(**dict({
        'id': PORT % i, 'name': '', 'network_id': NET % on, 'admin_state_up': True, 'mac_address': 'fa:16:3e:00:00:0%d' % i,
        'fixed_ips': [dict(subnet_id=SUB % s, ip_address=ip) for s, ip in ips], 'device_id': device, 'device_owner': owner,
        'status': 'DOWN', 'security_groups': [], 'port_security_enabled': False, 'allowed_address_pairs': [], 'extra_dhcp_opts': [],
        'binding:host_id': '', 'binding:profile': {}, 'binding:vif_type': 'unbound', 'binding:vif_details': {},
        'binding:vnic_type': 'normal', 'qos_policy_id': None}, **attrs))


def rule(i, group, direction, **attrs):
    r = dict(id=RULE % i, security_group_id=GROUP % group, direction=direction, ethertype='IPv4', protocol=None, port_range_min=None,
             port_range_max=None, remote_ip_prefix=None, remote_group_id=None)
    return standard(**dict(r, **attrs))


def group(i, name, *rules):
    return standard(id=GROUP % i, name=name, description='Default security group', stateful=True, shared=False,
                    security_group_rules=list(rules))


def router(i, **attrs):
    return standard(**dict({
        'id': ROUTER % i, 'name': 'router%d' % i, 'admin_state_up': True, 'status': 'ACTIVE', 'gw_port_id': None,
        'external_gateway_info': None, 'routes': [], 'distributed': False, 'ha': False, 'availability_zone_hints': [],
        'availability_zones': [], 'flavor_id': None}, **attrs))


def gateway(snat):
    return {'gw_port_id': PORT % 4, 'external_gateway_info': {
        'network_id': NET % 9, 'enable_snat': snat, 'external_fixed_ips': [{'subnet_id': SUB % 9, 'ip_address': '203.0.113.7'}]}}


def interface(r, p, on, *subnets):
    return {'id': ROUTER % r, 'tenant_id': 't1', 'port_id': PORT % p, 'network_id': NET % on, 'subnet_id': SUB % subnets[0],
            'subnet_ids': [SUB % s for s in subnets], 'request_ids': []}


def floating(i, **attrs):
    return standard(**dict({
        'id': FLOATING % i, 'floating_ip_address': '203.0.113.50', 'floating_network_id': NET % 9, 'router_id': None, 'port_id': None,
        'fixed_ip_address': None, 'status': 'DOWN'}, **attrs))


def refused(kind, call, *args):
    try:
        call(*args)
    except Exception as e:
        assert type(e).__name__ == kind, e
        return
    raise AssertionError('%s is not refused with %s' % (call, kind))


def same(got, want):
    """Whether an answer has what was sent, as far as it knows that."""
    for key, value in got.items():
        if key in want and key not in ('provider:network_type', 'allowed_address_pairs', 'security_group_rules', 'ethertype',
                                       'extra_dhcp_opts', 'binding:profile', 'binding:host_id', 'device_owner'):
            expected = want[key]
            if key == 'external_gateway_info' and expected:
                expected = {k: expected[k] for k in ('network_id', 'enable_snat')}
            assert value == expected, (key, value, expected)


c = Recorded(uri, 'admin', password, project_id='77777777-7777-7777-7777-777777777777')

# Networks and subnets.
same(c.create_network(net(1)), net(1))
assert len(c.create_network_bulk([net(2), net(3)])) == 2
same(c.create_network(net(9, **{'router:external': True})), net(9, **{'router:external': True}))
same(c.update_network(NET % 2, net(2, name='green', shared=True)), net(2, name='green', shared=True))
same(c.get_network(NET % 2), net(2, name='green', shared=True))
assert len(c.get_networks()) == 4
blue = sub(1, 1, '10.0.1.0/24', '10.0.1.1', allocation_pools=[{'start': '10.0.1.2', 'end': '10.0.1.254'}], dns_nameservers=['9.9.9.9'],
           host_routes=[{'destination': '192.168.0.0/16', 'nexthop': '10.0.1.9'}])
same(c.create_subnet(blue), blue)
blue6 = sub(2, 1, 'fd00:1::/64', 'fd00:1::1', ipv6_ra_mode='slaac', ipv6_address_mode='slaac')
assert len(c.create_subnet_bulk([blue6, sub(9, 9, '203.0.113.0/24', '203.0.113.1', enable_dhcp=False)])) == 2
same(c.update_subnet(SUB % 1, dict(blue, dns_nameservers=[])), dict(blue, dns_nameservers=[]))
same(c.get_subnet(SUB % 2), blue6)
assert len(c.get_subnets()) == 3

# Security groups: Neutron makes each with its rules, and tells of later rules one by one.
default = group(1, 'default', rule(1, 1, 'ingress', remote_group_id=GROUP % 1), rule(2, 1, 'egress'),
                rule(3, 1, 'ingress', ethertype='IPv6', remote_group_id=GROUP % 1), rule(4, 1, 'egress', ethertype='IPv6'))
created = c.create_security_group(default)
same(created, default)
assert len(created['security_group_rules']) == 4
assert len(c.create_security_group_bulk([group(2, 'web', rule(5, 2, 'egress'))])) == 1
web = rule(6, 2, 'ingress', protocol='tcp', port_range_min=80, port_range_max=80, remote_ip_prefix='0.0.0.0/0')
same(c.create_security_group_rule(web), web)
ping = rule(7, 2, 'ingress', protocol='icmp', port_range_min=8, port_range_max=0)
assert len(c.create_security_group_rule_bulk([ping, rule(8, 2, 'ingress', protocol='udp', remote_group_id=GROUP % 1)])) == 2
same(c.get_security_group_rule(RULE % 7), ping)
same(c.update_security_group(GROUP % 2, dict(group(2, 'www'), description='d')), dict(group(2, 'www'), description='d'))
assert [len(g['security_group_rules']) for g in c.get_security_groups()] == [4, 4]
same(c.get_security_group(GROUP % 2), dict(group(2, 'www'), description='d'))

# Ports: of DHCP, and of workloads with and without groups.
dhcp = port(1, 1, [(1, '10.0.1.2')], 'network:dhcp', 'dhcp-%s' % (NET % 1))
same(c.create_port(dhcp), dhcp)
vm1 = port(2, 1, [(1, '10.0.1.5'), (2, 'fd00:1::5')], 'compute:nova', 'vm1', security_groups=[GROUP % 1, GROUP % 2], port_security_enabled=True,
           allowed_address_pairs=[{'ip_address': '10.0.1.100', 'mac_address': 'fa:16:3e:00:00:02'}],
           extra_dhcp_opts=[{'opt_name': 'tftp-server', 'opt_value': '10.0.1.9', 'ip_version': 4}])
vm2 = port(3, 1, [(1, '10.0.1.6')], 'compute:nova', 'vm2', security_groups=[GROUP % 1], port_security_enabled=True)
assert len(c.create_port_bulk([vm1, vm2])) == 2
bound = dict(vm1, **{'binding:host_id': 'compute1', 'binding:vif_type': 'midonet', 'binding:vif_details': {'port_filter': True}})
same(c.update_port(PORT % 2, bound), bound)
assert c.get_port(PORT % 2)['binding:host_id'] == 'compute1'
assert len(c.get_ports()) == 3

# A router with a gateway and an interface, whose ports Neutron tells of first, and a floating address.
same(c.create_router(router(1)), router(1))
c.create_port(port(4, 9, [(9, '203.0.113.7')], 'network:router_gateway', ROUTER % 1, tenant_id=''))
same(c.update_router(ROUTER % 1, router(1, **gateway(True))), router(1, **gateway(True)))
c.create_port(port(5, 1, [(1, '10.0.1.1')], 'network:router_interface', ROUTER % 1))
assert not c.add_router_interface(ROUTER % 1, interface(1, 5, 1, 1))
c.create_port(port(6, 1, [(2, 'fd00:1::1')], 'network:router_interface', ROUTER % 1))
assert not c.add_router_interface(ROUTER % 1, interface(1, 6, 1, 2))
routed = router(1, routes=[{'destination': '172.16.0.0/12', 'nexthop': '10.0.1.9'}], **gateway(False))
same(c.update_router(ROUTER % 1, routed), routed)
same(c.get_router(ROUTER % 1), routed)
assert len(c.get_routers()) == 1
c.create_port(port(7, 9, [(9, '203.0.113.50')], 'network:floatingip', FLOATING % 1, tenant_id=''))
same(c.create_floating_ip(floating(1)), floating(1))
associated = floating(1, router_id=ROUTER % 1, port_id=PORT % 2, fixed_ip_address='10.0.1.5')
same(c.update_floating_ip(FLOATING % 1, associated), associated)
same(c.get_floating_ip(FLOATING % 1), associated)
assert len(c.get_floating_ips()) == 1

# What cannot be.
refused('HTTPConflict', c.create_network, net(1))
refused('HTTPNotFound', c.update_network, NET % 8, net(8))
refused('HTTPNotFound', c.get_router, ROUTER % 8)
refused('HTTPNotFound', c.create_port, port(8, 1, [], 'compute:nova', 'vm', security_groups=[GROUP % 8]))
refused('HTTPNotFound', c.create_security_group_rule, rule(9, 8, 'ingress'))
refused('HTTPBadRequest', c.create_security_group_rule, rule(9, 1, 'ingress', protocol='teleport'))
refused('HTTPBadRequest', c.update_router, ROUTER % 1, dict(routed, routes=[{'destination': '172.16.0.0/12', 'nexthop': '10.9.0.9'}]))
refused('HTTPNotFound', c.add_router_interface, ROUTER % 1, interface(1, 8, 1, 1))
refused('HTTPConflict', c.update_floating_ip, FLOATING % 1, dict(associated, floating_network_id=NET % 2))

# All of it goes, in Neutron's order.
c.update_floating_ip(FLOATING % 1, floating(1))
c.delete_floating_ip(FLOATING % 1)
c.delete_port(PORT % 7)
c.delete_port(PORT % 5)
assert not c.remove_router_interface(ROUTER % 1, interface(1, 5, 1, 1))
c.delete_port(PORT % 6)
c.remove_router_interface(ROUTER % 1, interface(1, 6, 1, 2))
c.delete_port(PORT % 4)
c.delete_router(ROUTER % 1)
for i in (3, 2, 1):
    c.delete_port(PORT % i)
c.delete_security_group_rule(RULE % 6)
for i in (2, 1):
    c.delete_security_group(GROUP % i)
for i in (9, 2, 1):
    c.delete_subnet(SUB % i)
for i in (9, 3, 2, 1):
    c.delete_network(NET % i)
c.delete_network(NET % 1)  # again: it has gone
assert not (c.get_networks() or c.get_subnets() or c.get_ports() or c.get_routers() or c.get_floating_ips() or c.get_security_groups())

missing = {name for m in MIXINS for name in vars(m) if not name.startswith('_') and not name.endswith('_url')} - called
assert not missing, 'not called: %s' % sorted(missing)
