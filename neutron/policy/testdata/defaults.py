"""Prints the rules that Debian's neutron ships, as JSON: name, text, legacy text, kinds of token."""

import json
import sys

from neutron.conf.policies import address_group
from neutron.conf.policies import address_scope
from neutron.conf.policies import agent
from neutron.conf.policies import auto_allocated_topology
from neutron.conf.policies import availability_zone
from neutron.conf.policies import base
from neutron.conf.policies import flavor
from neutron.conf.policies import floatingip
from neutron.conf.policies import floatingip_port_forwarding
from neutron.conf.policies import network
from neutron.conf.policies import network_ip_availability
from neutron.conf.policies import port
from neutron.conf.policies import quotas
from neutron.conf.policies import rbac
from neutron.conf.policies import router
from neutron.conf.policies import security_group
from neutron.conf.policies import service_type
from neutron.conf.policies import subnet
from neutron.conf.policies import subnetpool

rules = []
for module in (base, network, subnet, port, rbac, subnetpool, address_scope, quotas, agent, availability_zone, service_type,
               network_ip_availability, flavor, auto_allocated_topology, router, floatingip, floatingip_port_forwarding, security_group, address_group):
    for rule in module.list_rules():
        old = getattr(rule, 'deprecated_rule', None)
        legacy = old.check_str if old and old.check_str != rule.check_str else ''
        rules.append({'Name': rule.name, 'Check': rule.check_str, 'Legacy': legacy, 'Scopes': rule.scope_types})
json.dump(rules, sys.stdout)
