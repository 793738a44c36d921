package policy

import (
	"fmt"
	"strings"
	"testing"

	"midonet.org/midonet/test/golden"
)

// TestReferenceIsCurrent holds docs/policy.md to the rules; -update writes it.
func TestReferenceIsCurrent(t *testing.T) { golden.Check(t, "../../docs/policy.md", reference()) }

func reference() string {
	var b strings.Builder
	b.WriteString(`# Who may do what

Written by ` + "`go test ./neutron/policy -update`" + ` from the rules in neutron/policy; do not edit.

The rules are Neutron's, in the language of oslo.policy. Those in ` + "`policy.yaml`" + ` beside the configuration file, or wherever
` + "`[oslo_policy] policy_file`" + ` says, replace the rules below by name; a change is in force a second later, without a restart. A file
that cannot be read stops the start; when it comes later it is an error in the log, and the rules before it stay in force.

A create or an update asks the rule of the action and those of the attributes that are given. A rule without a text allows
everyone. Where a rule has a legacy text, that holds beside it until ` + "`[oslo_policy] enforce_new_defaults = true`" + `. An administrator,
which ` + "`context_is_admin`" + ` makes one, is asked nothing until then.

| rule | text | legacy text |
|---|---|---|
`)
	for _, d := range Defaults() {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", d.Name, code(d.Check), code(d.Legacy))
	}
	return b.String()
}

func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + s + "`"
}
