"""Prints the rules that Debian's neutron ships, as JSON: for each module of neutron.conf.policies its rules in order, each with name,
text, legacy text and kinds of token."""

import importlib
import json
import pkgutil
import sys

from neutron.conf import policies

modules = {}
for _, name, _ in pkgutil.iter_modules(policies.__path__):
    rules = []
    for rule in importlib.import_module('neutron.conf.policies.' + name).list_rules():
        old = getattr(rule, 'deprecated_rule', None)
        legacy = old.check_str if old and old.check_str != rule.check_str else ''
        rules.append({'Name': rule.name, 'Check': rule.check_str, 'Legacy': legacy, 'Scopes': rule.scope_types})
    modules[name] = rules
json.dump(modules, sys.stdout, indent=1, sort_keys=True)
print()
