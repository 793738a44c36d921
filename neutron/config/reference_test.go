package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"midonet.org/midonet/agent/service/metadata"
	"midonet.org/midonet/oslo"
	"midonet.org/midonet/test/golden"
)

// TestReferenceIsCurrent holds docs/configuration.md to the options' tags; -update writes it.
func TestReferenceIsCurrent(t *testing.T) {
	golden.Check(t, "../../docs/configuration.md", reference())
}

func reference() string {
	var b strings.Builder
	b.WriteString(`# Configuration

Written by ` + "`go test ./neutron/config -update`" + ` from the tags of neutron/config.Options; do not edit.

` + "`midonet server --config-file FILE`" + ` reads the files that neutron-server reads (neutron.conf, ml2_conf.ini), several if need be, later
ones winning. ` + "`--config-dir DIR`" + `, or a directory as FILE, stands for the files in it whose names end in .conf, in the order of their names. Without
a file every option has the default below, which makes a working single machine.

Options of Neutron that are for parts which do not exist here have no effect (neutron/config/known.txt); the log names those that are
written, in one line. Any other unknown option is a warning with the nearest name. Values that cannot be read stop the start, naming file, line
and option, and so do plugins and drivers that do not exist here, naming those that do.
`)
	group := ""
	for _, o := range oslo.Options(&Options{}) {
		if o.Group != group {
			group = o.Group
			fmt.Fprintf(&b, "\n## [%s]\n\n| option | type | default | meaning |\n|---|---|---|---|\n", group)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", o.Name, o.Kind, code(o.Default), o.Help)
	}
	fmt.Fprintf(&b, `
## Plugins and drivers

| option | names |
|---|---|
| core_plugin | %s |
| service_plugins | %s |
| type_drivers | %s |
| tenant_network_types | %s |
| mechanism_drivers | %s |
`, codes(slices.Sorted(maps.Keys(corePluginNames))), codes(slices.Sorted(maps.Keys(servicePluginNames))), codes(typeDrivers), codes(tenantTypes), codes(mechanismDrivers))
	b.WriteString(`
## The agent's metadata service

` + "`midonet agent --config-file FILE`" + ` reads what Neutron's metadata agent reads (metadata_agent.ini), from the tags of
agent/service/metadata.Options. The file is the host's own: the secret in it goes nowhere but into the signatures that Nova checks. Without a
file the agent leaves 169.254.169.254 to others.

| option of [DEFAULT] | type | default | meaning |
|---|---|---|---|
`)
	for _, o := range oslo.Options(&metadata.Options{}) {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", o.Name, o.Kind, code(o.Default), o.Help)
	}
	return b.String()
}

func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + s + "`"
}

func codes(names []string) string { return code(strings.Join(names, "`, `")) }
