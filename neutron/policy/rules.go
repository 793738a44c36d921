package policy

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"midonet.org/midonet/neutron/apidef"
	"midonet.org/midonet/neutron/auth"
)

// Default is a rule that Neutron ships.
type Default struct {
	Name  string
	Check string
	// Legacy is the rule's text before Neutron knew the roles reader and member; it holds beside Check until the operator sets
	// enforce_new_defaults. Empty where the two are the same.
	Legacy string
	// Scopes are the kinds of token that enforce_scope lets through; empty for all.
	Scopes []string
}

// Options are the switches of [oslo_policy].
type Options struct {
	DefaultRule        string // policy_default_rule: stands in for rules that no one defined
	EnforceScope       bool   // enforce_scope
	EnforceNewDefaults bool   // enforce_new_defaults
}

// Rules is a complete set of rules. It does not change; many goroutines may use it at once.
type Rules struct {
	options Options
	checks  map[string]check
	scopes  map[string][]string // of Neutron's own rules
}

// Compile makes the set of Neutron's rules and the operator's, which win by name. Overrides hold texts, lists of the older form, or
// nil, as a policy file does.
func Compile(o Options, resources []*apidef.Resource, overrides map[string]any) (*Rules, error) {
	g := grammar{resources: map[string]*apidef.Resource{}}
	for _, def := range resources {
		g.resources[def.Collection] = def
	}
	r := &Rules{options: o, checks: map[string]check{}, scopes: map[string][]string{}}
	for _, d := range Defaults() {
		c, err := g.defaultCheck(d, o.EnforceNewDefaults)
		if err != nil {
			return nil, fmt.Errorf("rule %s: %w", d.Name, err)
		}
		r.checks[d.Name], r.scopes[d.Name] = c, d.Scopes
	}
	for _, name := range slices.Sorted(maps.Keys(overrides)) {
		c, err := g.override(overrides[name])
		if err != nil {
			return nil, fmt.Errorf("rule %s: %w", name, err)
		}
		r.checks[name] = c
	}
	return r, r.refuseCycles()
}

// defaultCheck joins a rule with what it was before, as oslo.policy does for deprecated rules (_handle_deprecated_rule).
func (g grammar) defaultCheck(d Default, newOnly bool) (check, error) {
	c, err := g.parse(d.Check)
	if err != nil || d.Legacy == "" || newOnly {
		return c, err
	}
	old, err := g.parse(d.Legacy)
	return orCheck{c, old}, err
}

func (g grammar) override(v any) (check, error) {
	switch v := v.(type) {
	case nil:
		return constant(Yes), nil
	case string:
		return g.parse(v)
	case []any:
		return g.parseList(v)
	}
	return nil, fmt.Errorf("%v is neither a text nor a list", v)
}

// lookup returns the rule of the name or, where there is none, the default rule.
func (r *Rules) lookup(name string) (check, bool) {
	if c, ok := r.checks[name]; ok {
		return c, true
	}
	c, ok := r.checks[r.options.DefaultRule]
	return c, ok
}

// Has reports whether a rule of that name is defined.
func (r *Rules) Has(name string) bool { return r.checks[name] != nil }

// refuseCycles finds rules that refer to themselves, which no evaluation would come to the end of.
func (r *Rules) refuseCycles() error {
	done := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(r.checks)) {
		if err := r.walk(name, nil, done); err != nil {
			return err
		}
	}
	return nil
}

func (r *Rules) walk(name string, under []string, done map[string]bool) error {
	if at := slices.Index(under, name); at >= 0 {
		return fmt.Errorf("rule %s refers to itself: %s", name, strings.Join(append(under[at:], name), " -> "))
	}
	c, ok := r.checks[name]
	if !ok && name != r.options.DefaultRule {
		return r.walk(r.options.DefaultRule, under, done)
	}
	if !ok || done[name] {
		return nil
	}
	for _, next := range references(c) {
		if err := r.walk(next, append(under, name), done); err != nil {
			return err
		}
	}
	done[name] = true
	return nil
}

// references returns the names of the rules that the check refers to.
func references(c check) []string {
	var names []string
	switch c := c.(type) {
	case ruleCheck:
		names = append(names, string(c))
	case notCheck:
		names = references(c.of)
	case andCheck:
		for _, part := range c {
			names = append(names, references(part)...)
		}
	case orCheck:
		for _, part := range c {
			names = append(names, references(part)...)
		}
	}
	return names
}

// Identify sets what the rules make of a caller: whether it is an administrator (context_is_admin) or a service that acts for others
// (context_is_advsvc), which every administrator is too. An administrator that the authenticator vouches for stays one.
func (r *Rules) Identify(ctx context.Context, c *auth.Caller) {
	e := &evaluation{ctx: ctx, rules: r, who: credentials{c}, target: nothing{}}
	c.Admin = c.Admin || ruleCheck("context_is_admin").decide(e) == Yes
	c.Advsvc = c.Admin || ruleCheck("context_is_advsvc").decide(e) == Yes
}

// nothing is a target without attributes.
type nothing struct{}

func (nothing) Attribute(string) (Value, bool) { return Value{}, false }
