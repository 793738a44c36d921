"""Drives the API with python-midonetclient as it is: its Neutron mixins, and its topology half. Prints one line for each step."""
import sys

from midonetclient import api
from midonetclient import client

uri, password, host = sys.argv[1:]
NET, SUB = 'aaaaaaaa-0000-4000-8000-00000000000%d', 'bbbbbbbb-0000-4000-8000-00000000000%d'
PORT = 'cccccccc-0000-4000-8000-00000000000%d'


def network(i):
    return dict(id=NET % i, name='net%d' % i, tenant_id='t', admin_state_up=True, shared=False, status='ACTIVE')


def subnet(i):
    return dict(id=SUB % i, network_id=NET % i, name='sub%d' % i, cidr='10.0.%d.0/24' % i, ip_version=4, gateway_ip='10.0.%d.1' % i,
                enable_dhcp=True, dns_nameservers=[], host_routes=[], allocation_pools=[], tenant_id='t')


def port(i):
    return dict(id=PORT % i, network_id=NET % 1, name='port%d' % i, mac_address='fa:16:3e:00:00:0%d' % i, admin_state_up=True,
                tenant_id='t', fixed_ips=[dict(subnet_id=SUB % 1, ip_address='10.0.1.1%d' % i)], device_id='vm',
                device_owner='compute:nova', security_groups=[])


def refused(call, *args):
    try:
        call(*args)
    except Exception as e:
        return type(e).__name__
    return 'not refused'


neutron = client.MidonetClient(uri, 'admin', password, project_id='p')
print('create', neutron.create_network(network(1))['name'], neutron.create_subnet(subnet(1))['cidr'],
      neutron.create_port(port(1))['mac_address'])
print('bulk', len(neutron.create_network_bulk([network(2), network(3)])), len(neutron.create_subnet_bulk([subnet(2), subnet(3)])),
      len(neutron.create_port_bulk([port(2), port(3)])))
print('update', neutron.update_network(NET % 1, dict(network(1), name='renamed'))['name'],
      neutron.update_subnet(SUB % 1, dict(subnet(1), gateway_ip='10.0.1.254'))['gateway_ip'],
      neutron.update_port(PORT % 1, dict(port(1), admin_state_up=False))['admin_state_up'])
print('get', neutron.get_network(NET % 1)['name'], neutron.get_subnet(SUB % 1)['gateway_ip'], neutron.get_port(PORT % 1)['admin_state_up'])
print('list', len(neutron.get_networks()), len(neutron.get_subnets()), len(neutron.get_ports()))
print('refused', refused(neutron.create_network, network(1)), refused(neutron.get_port, NET % 1),
      refused(neutron.update_port, PORT % 9, port(9)), refused(neutron.create_subnet, dict(subnet(9))),
      refused(client.MidonetClient(uri, 'admin', 'wrong').client.auth_lib.login))

topology = api.MidonetApi(uri, 'admin', password)
for h in topology.get_hosts():
    print('host', h.get_name(), h.is_alive(), [(i.get_name(), i.get_mtu()) for i in h.get_interfaces()])
    h.add_host_interface_port().port_id(PORT % 1).interface_name('tap1').create()
    print('bindings', [(p.get_port_id(), p.get_interface_name()) for p in h.get_ports()])
    print('refused', refused(h.add_host_interface_port().port_id(PORT % 2).interface_name('tap1').create))
print('bound to', topology.get_port(PORT % 1).get_host_id() == host, topology.get_port(PORT % 1).get_interface_name())
bridge = topology.get_bridge(NET % 1)
print('bridge', bridge.get_name(), bridge.get_tenant_id(), bridge.get_admin_state_up(), len(list(topology.get_bridges({}))))
print('ports', [(p.get_id(), p.get_type(), p.get_admin_state_up()) for p in bridge.get_ports()])
for s in bridge.get_dhcp_subnets():
    print('dhcp', s.get_subnet_prefix(), s.get_subnet_length(), s.get_default_gateway(),
          [(h.get_mac_addr(), h.get_ip_addr()) for h in s.get_dhcp_hosts()])
print('state', topology.get_system_state().get_state())
for h in topology.get_hosts():
    for p in h.get_ports():
        p.delete()
    print('bindings', len(list(h.get_ports())))
for i in (1, 2, 3):
    neutron.delete_port(PORT % i)
    neutron.delete_subnet(SUB % i)
    neutron.delete_network(NET % i)
neutron.delete_network(NET % 1)
print('left', len(neutron.get_networks()), len(neutron.get_subnets()), len(neutron.get_ports()), len(list(topology.get_bridges({}))))
