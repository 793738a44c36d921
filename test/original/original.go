// Package original is what tests that hold our server to the original, neutron-server, have in common: an identity service that believes
// everyone, names in place of what differs from run to run, and which of two answers' differences count.
package original

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"
)

var (
	uuids = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	times = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`)
	macs  = regexp.MustCompile(`fa:16:3e:[0-9a-f]{2}:[0-9a-f]{2}:[0-9a-f]{2}`)
	hosts = regexp.MustCompile(`http://[a-z0-9.]+:\d+`)
	// eui64 is an address made from a generated MAC, or a name made from such an address.
	eui64 = regexp.MustCompile(`f816([:-])3eff[:-]fe[0-9a-f]{2}[:-][0-9a-f]{1,4}`)
	// named is a list of captured identifiers inside a message; the original lists them in whatever order the database had them.
	named = regexp.MustCompile(`\$\w+(, ?\$\w+)+`)
)

// Normalise puts names in place of what differs from run to run and formats the JSON.
func Normalise(body string, vars map[string]string) string {
	identifiers := map[string]string{}
	for name, value := range vars { // whole ones: 10.0.0.1 is not in 10.0.0.19
		if uuids.FindString(value) == value {
			identifiers[value] = "$" + name
			continue
		}
		body = regexp.MustCompile(`\b`+regexp.QuoteMeta(value)+`\b`).ReplaceAllLiteralString(body, "$"+name)
	}
	body = uuids.ReplaceAllStringFunc(body, func(id string) string {
		if name := identifiers[id]; name != "" {
			return name
		}
		return "<uuid>"
	})
	body = times.ReplaceAllString(body, "<time>")
	body = macs.ReplaceAllString(body, "<mac>")
	body = hosts.ReplaceAllString(body, "<base>")
	body = eui64.ReplaceAllString(body, "<eui64>")
	body = named.ReplaceAllStringFunc(body, func(list string) string {
		return strings.Join(slices.Sorted(slices.Values(strings.Split(strings.ReplaceAll(list, " ", ""), ","))), ",")
	})
	var out bytes.Buffer
	if json.Indent(&out, []byte(body), "", "  ") != nil {
		return strings.TrimSpace(body)
	}
	return strings.TrimSpace(out.String())
}

// IsUUID reports whether the text has an identifier in it.
func IsUUID(text string) bool { return uuids.MatchString(text) }

// ours lists attributes whose values differ on purpose, with the reason in docs/divergences.md or in the deployment: the record was
// made with the type driver local, which has no MTU overhead.
var ours = []string{"provider:network_type", "mtu", "binding:vif_type", "binding:vif_details", "vif_type", "vif_details"}

// oursOf lists attributes of one kind of resource that differ on purpose; an attribute of its own tells the kind. The original counts the
// steps that it takes to change a router, here a change is one; an address is translated as soon as it is associated, where the
// original waits for its agent.
var oursOf = map[string][]string{"external_gateway_info": {"revision_number"}, "floating_ip_address": {"revision_number", "status"}}

// differsOnPurpose reports whether an attribute of a resource is not compared.
func differsOnPurpose(resource map[string]any, attr string) bool {
	for kind, attrs := range oursOf {
		if _, is := resource[kind]; is && slices.Contains(attrs, attr) {
			return true
		}
	}
	return slices.Contains(ours, attr)
}

// Diff is where the body of our answer differs from the original's, as cmp.Diff writes it; empty where it does not. An attribute that only
// neutron-server has belongs to an extension that is not served here; one that both have must be equal. Both bodies are normalised.
func Diff(theirs, ours string) string {
	var w, g any
	if json.Unmarshal([]byte(theirs), &w) != nil || json.Unmarshal([]byte(ours), &g) != nil {
		return cmp.Diff(theirs, ours)
	}
	return cmp.Diff(Common(w, g))
}

// Common drops from both sides, which it changes, what Diff does not hold against us.
func Common(w, g any) (any, any) {
	switch w := w.(type) {
	case map[string]any:
		if g, ok := g.(map[string]any); ok {
			return commonMaps(w, g)
		}
	case []any:
		if g, ok := g.([]any); ok && len(w) == len(g) {
			for i := range w {
				w[i], g[i] = Common(w[i], g[i])
			}
		}
	}
	return w, g
}

func commonMaps(w, g map[string]any) (any, any) {
	resource := g["id"] != nil
	maps.DeleteFunc(g, func(k string, _ any) bool { _, recorded := w[k]; return !recorded && slices.Contains(since, k) })
	for k := range w {
		if _, served := g[k]; resource && !served || differsOnPurpose(g, k) {
			delete(w, k)
			delete(g, k)
			continue
		}
		if k == "description" && w[k] == nil && g[k] == "" {
			w[k] = "" // a rule that the original makes by itself has none
		}
		if g[k] != nil || w[k] != nil {
			w[k], g[k] = Common(w[k], g[k])
		}
		if slices.Contains(unordered, k) {
			sortByText(w[k])
			sortByText(g[k])
		}
	}
	return w, g
}

// since are attributes of extensions that the servers of older records did not have. They are compared where they are on record.
var since = []string{"is_default", "dns_name", "dns_domain", "dns_assignment"}

// unordered are lists whose order means nothing in the original.
var unordered = []string{"allocation_pools", "security_group_rules", "addresses", "allowed_address_pairs"}

// sortByText orders a list whose order means nothing in the original.
func sortByText(v any) {
	if list, ok := v.([]any); ok {
		slices.SortFunc(list, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	}
}
