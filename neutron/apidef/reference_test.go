package apidef

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"midonet.org/midonet/test/golden"
)

// TestReferenceIsCurrent holds docs/api.md to the definitions; -update writes it.
func TestReferenceIsCurrent(t *testing.T) { golden.Check(t, "../../docs/api.md", reference()) }

func reference() string {
	var b strings.Builder
	b.WriteString(`# The Networking API v2.0 as served here

Written by ` + "`go test ./neutron/apidef -update`" + ` from the definitions in neutron/apidef; do not edit.

Each collection takes GET (list and show), POST (one resource, or several in one request), PUT and DELETE, with the bodies, filters,
` + "`fields`, `sort_key`, `sort_dir`, `limit`, `marker` and `page_reverse`" + ` of OpenStack Networking. An attribute that the columns POST and PUT
do not name is set by the server. "policy" marks attributes whose own policy rule, create_network:shared and the like, is asked
besides that of the request; [policy.md](policy.md) has the rules.
`)
	for _, r := range All() {
		fmt.Fprintf(&b, "\n## /v2.0/%s\n\n", pathOf(r))
		b.WriteString("| attribute | type | POST | PUT | default | filter | sort | meaning |\n|---|---|---|---|---|---|---|---|\n")
		for _, a := range r.Attributes {
			if a.Hidden && !a.Create && !a.Update && !a.Filter {
				continue // no client meets it
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s | %s | %s |\n", a.Name, a.Type, writable(a.Create, a.Policy),
				writable(a.Update, a.Policy), defaultOf(a), yes(a.Filter), yes(a.Sort), a.Help)
		}
	}
	b.WriteString("\n## Extensions\n\n| alias | name |\n|---|---|\n")
	for _, e := range Extensions() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", e.Alias, e.Name)
	}
	return b.String()
}

func pathOf(r *Resource) string {
	if r.Parent != nil {
		return r.Parent.Path + "/{id}/" + r.Path
	}
	return r.Path
}

func writable(may, policy bool) string {
	if may && policy {
		return "policy"
	}
	return yes(may)
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}

func defaultOf(a Attribute) string {
	switch {
	case a.Required:
		return "required"
	case a.Default == nil:
		return ""
	}
	b, err := json.Marshal(a.Default)
	if err != nil {
		panic(err)
	}
	return "`" + string(b) + "`"
}
