"""Prints the attributes of the resources that Debian's neutron knows, all extensions loaded, as JSON: for each collection and attribute
what is true of it."""

import json
import logging
import sys

from neutron_lib.api import attributes
from neutron_lib.api.definitions import fip_pf_description
from neutron_lib.api.definitions import fip_pf_port_range
from neutron_lib.api.definitions import flavors
from neutron_lib.api.definitions import floating_ip_port_forwarding
from neutron.api import extensions
from neutron.common import config
from oslo_config import cfg

PROPERTIES = ('allow_post', 'allow_put', 'enforce_policy', 'is_filter', 'is_sort_key', 'is_visible')

logging.disable(logging.CRITICAL)
config.register_common_config_options()
cfg.CONF([], project='neutron')
manager = extensions.ExtensionManager(extensions.get_extensions_path())
manager.extend_resources('2.0', attributes.RESOURCES)
# A collection below flavors has taken the place of the one with the same name, and what is below floating IPs is described in three parts.
attributes.RESOURCES.update(flavors.RESOURCE_ATTRIBUTE_MAP)
forwardings = {}
for part in (floating_ip_port_forwarding, fip_pf_description, fip_pf_port_range):
    forwardings.update(part.SUB_RESOURCE_ATTRIBUTE_MAP['port_forwardings']['parameters'])
attributes.RESOURCES['port_forwardings'] = forwardings

collections = {}
for collection, described in attributes.RESOURCES.items():
    described = described.get('parameters', described)
    collections[collection] = {
        name: sorted([p for p in PROPERTIES if spec.get(p)] +
                     (['required'] if spec.get('allow_post') and 'default' not in spec else []))
        for name, spec in described.items()}
json.dump(collections, sys.stdout, indent=1, sort_keys=True)
print()
