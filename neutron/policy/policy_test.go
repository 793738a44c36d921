package policy

import (
	"context"
	"testing"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/apidef"
	"midonet.org/midonet/neutron/auth"
)

var resources = []*apidef.Resource{apidef.Networks(), apidef.Subnets(), apidef.Ports()}

// object is a target for tests.
type object map[string]any

func (o object) Attribute(name string) (Value, bool) {
	v, ok := o[name]
	return ValueOf(v), ok
}

// network is a parent for tests: the one network that there is.
type network object

func (n network) ParentAttribute(_ context.Context, kind, id, attr string) (Value, error) {
	if kind != "network" || id != n["id"] {
		return Value{}, errs.New(errs.NotFound, "NetworkNotFound", "Network %s could not be found.", id)
	}
	v, _ := object(n).Attribute(attr)
	return v, nil
}

func compile(t testing.TB, o Options, overrides map[string]any) *Rules {
	t.Helper()
	if o.DefaultRule == "" {
		o.DefaultRule = "default"
	}
	r, err := Compile(o, resources, overrides)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// decide asks a rule text on its own.
func decide(t testing.TB, rule string, c *auth.Caller, target Target) Verdict {
	t.Helper()
	r := compile(t, Options{}, map[string]any{"asked": rule})
	v, err := r.Judge(c, nil).Check(t.Context(), NewAction("asked"), target)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestLanguage(t *testing.T) {
	c := &auth.Caller{UserID: "u", ProjectID: "blue", Roles: []string{"Member", "reader"}, SystemScope: ""}
	target := object{"project_id": "blue", "tenant_id": "blue", "user": "u", "shared": true, "router:external": false,
		"device_owner": "network:dhcp", "nothing": nil, "mtu": int64(1500)}
	for rule, want := range map[string]Verdict{
		"":      Yes,
		"@":     Yes,
		"!":     No,
		"not !": Yes, "not not @": Yes, "NOT @": No,
		"role:member": Yes, "role:MEMBER": Yes, "role:admin": No,
		"role:%(user)s":              No,
		"roles:reader":               Yes,
		"roles:admin":                No,
		"project_id:%(project_id)s":  Yes,
		"tenant_id:%(tenant_id)s":    Yes,
		"tenant_id:%(absent)s":       No,
		"project_id:%(absent)s":      No,
		"user_id:%(user)s":           Yes,
		"user_id:x%(user)s":          No,
		"user_id:%%":                 No,
		"'u':%(user)s":               Yes,
		"\"u\":%(user)s":             Yes,
		"True:%(shared)s":            Yes,
		"None:%(nothing)s":           Yes,
		"1500:%(mtu)s":               Yes,
		"01500:%(mtu)s":              No,
		"system_scope:all":           No,
		"system_scope:None":          Yes,
		"is_admin:False":             Yes,
		"is_admin_project:True":      Yes,
		"nonsense:None":              No,
		"field:networks:shared=True": Yes, "field:networks:shared=yes": Yes, "field:networks:shared=False": No,
		"field:networks:router:external=False":         Yes,
		"field:port:device_owner=~^network:":           Yes,
		"field:port:device_owner=~network":             Yes,
		"field:port:device_owner=~dhcp":                No,
		"field:networks:nothing=None":                  No,
		"field:networks:absent=x":                      No,
		"role:admin or role:reader and role:member":    Yes,
		"role:reader or role:admin and !":              Yes,
		"(role:reader or role:admin) and !":            No,
		"role:admin and @ or role:member":              Yes,
		"not role:admin and role:member":               Yes,
		"not (role:admin or role:member)":              No,
		"((role:member))":                              Yes,
		"( role:member and ( role:admin or not ! ) )":  Yes,
		"rule:regular_user":                            Yes,
		"rule:no_such_rule":                            Yes, // the default rule: admin or owner
		"project_id:%(project_id)s and\n\trole:reader": Yes,
	} {
		if got := decide(t, rule, c, target); got != want {
			t.Errorf("%q: %d, want %d", rule, got, want)
		}
	}
}

func TestRulesThatCannotBeRead(t *testing.T) {
	for rule, want := range map[string]string{
		"role":                             `rule x: "role" is not a check: write @, ! or kind:match`,
		":x":                               `rule x: ":x" is not a check: write @, ! or kind:match`,
		"role:a role:b":                    `rule x: "role:b" is not expected there`,
		"role:a and":                       `rule x: it ends where a check should follow`,
		"or role:a":                        `rule x: "or" is not expected there`,
		"(role:a":                          `rule x: a parenthesis is not closed`,
		"role:a)":                          `rule x: ")" is not expected there`,
		"   ":                              `rule x: it ends where a check should follow`,
		"http://host/%(id)s":               `rule x: http://host/%(id)s: checks that ask another server (http:, https:) are not supported`,
		"https://host/":                    `rule x: https://host/: checks that ask another server (http:, https:) are not supported`,
		"tenant_id:blue":                   `rule x: tenant_id:blue: match should be in the form %(<field_name>)s`,
		"user_id:%(user)":                  `rule x: user_id:%(user: %(user: write %(attribute)s`,
		"user_id:%d":                       `rule x: user_id:%d: %d: write %(attribute)s, or %% to mean the sign itself`,
		"field:networks":                   `rule x: field:networks: write field:collection:attribute=value`,
		"field:networks:shared=maybe":      `rule x: field:networks:shared=maybe: Invalid input for operation: 'maybe' cannot be converted to boolean.`,
		"field:port:device_owner=~*":       "rule x: field:port:device_owner=~*: error parsing regexp: missing argument to repetition operator: `*`",
		"rule:x":                           `rule x refers to itself: x -> x`,
		"not (rule:admin_only or rule:x)":  `rule x refers to itself: x -> x`,
		"rule:default and rule:not_a_rule": "",
	} {
		_, err := Compile(Options{DefaultRule: "default"}, resources, map[string]any{"x": rule})
		if want == "" && err != nil || want != "" && (err == nil || err.Error() != want) {
			t.Errorf("%q: %v", rule, err)
		}
	}
	if _, err := Compile(Options{DefaultRule: "default"}, resources, map[string]any{"default": "rule:nowhere"}); err == nil {
		t.Error("a default rule that leads back to itself is accepted")
	}
}

func TestListForm(t *testing.T) {
	g := grammar{}
	for _, c := range []struct {
		list []any
		want string
	}{
		{nil, "@"}, {[]any{"role:a"}, "role:a"}, {[]any{"role:a", "role:b"}, "(role:a or role:b)"},
		{[]any{[]any{"role:a", "role:b"}, "role:c"}, "((role:a and role:b) or role:c)"},
		{[]any{[]any{}, nil, ""}, "!"}, {[]any{[]any{"!"}, []any{}}, "!"},
	} {
		got, err := g.parseList(c.list)
		if err != nil || got.String() != c.want {
			t.Errorf("%v: %v, %v", c.list, got, err)
		}
	}
	for _, bad := range [][]any{{1}, {[]any{1}}, {[]any{"role"}}, {map[any]any{}}} {
		if c, err := g.parseList(bad); err == nil {
			t.Errorf("%v is read as %v", bad, c)
		}
	}
}

// TestWithoutATarget shows that what does not depend on the target is decided without one, and nothing else is.
func TestWithoutATarget(t *testing.T) {
	c := &auth.Caller{ProjectID: "blue", Roles: []string{"member"}}
	for rule, want := range map[string]Verdict{
		"@": Yes, "role:member": Yes, "role:%(x)s": Maybe, "tenant_id:%(tenant_id)s": Maybe, "field:networks:shared=True": Maybe,
		"! and role:%(x)s": No, "role:%(x)s and !": No, "role:%(x)s or @": Yes, "not role:%(x)s": Maybe, "'a':%(x)s": Maybe,
		"role:%(x)s or !": Maybe, "role:%(x)s and @": Maybe,
	} {
		if got := decide(t, rule, c, nil); got != want {
			t.Errorf("%q: %d, want %d", rule, got, want)
		}
	}
}

// TestKnown: what is left of a rule says of every target what the rule says.
func TestKnown(t *testing.T) {
	for _, rules := range []*Rules{compile(t, Options{}, nil), compile(t, Options{EnforceNewDefaults: true}, nil)} {
		for _, who := range []*auth.Caller{admin, member, reader, other, service, system} {
			for _, target := range []object{
				{"project_id": "blue", "tenant_id": "blue", "shared": false, "network_id": "n1", "device_owner": "network:dhcp"},
				{"project_id": "red", "tenant_id": "red", "shared": true, "router:external": true, "network_id": "n1"},
			} {
				j := judge(rules, who)
				for _, d := range Defaults() {
					want, _ := j.Check(t.Context(), NewAction(d.Name), target)
					if got, _ := j.Check(t.Context(), j.Known(t.Context(), NewAction(d.Name)), target); got != want {
						t.Errorf("%s, %s, %v: %d, want %d", d.Name, who.UserID, target, got, want)
					}
				}
			}
		}
	}
}

// FuzzParse holds the parser to two promises: it ends, and what it prints means what it read.
func FuzzParse(f *testing.F) {
	for _, d := range Defaults() {
		f.Add(d.Check)
		f.Add(d.Legacy)
	}
	for _, s := range []string{"(((", "not not not !", "a:%(b)s and (c:d or\te:'f')", "'x y':z", "field:networks:shared=~x", "%", ":", "role:%%%(x)s"} {
		f.Add(s)
	}
	g := grammar{resources: map[string]*apidef.Resource{}}
	for _, def := range resources {
		g.resources[def.Collection] = def
	}
	f.Fuzz(func(t *testing.T, rule string) {
		c, err := g.parse(rule)
		if err != nil {
			return
		}
		again, err := g.parse(c.String())
		if err != nil {
			t.Fatalf("%q is printed as %q, which cannot be read: %v", rule, c, err)
		}
		if again.String() != c.String() {
			t.Fatalf("%q is printed as %q, which is printed as %q", rule, c, again)
		}
	})
}

// FuzzFile holds what reads a policy file to ending with rules or an error.
func FuzzFile(f *testing.F) {
	f.Add([]byte("get_network: role:reader\n\"create_network\": [[\"role:a\"]]\nx:\n"))
	f.Add([]byte(`{"get_network": "@"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		rules, err := ParseFile(text)
		if err != nil {
			return
		}
		if r, err := Compile(Options{DefaultRule: "default"}, resources, rules); err == nil {
			r.Identify(t.Context(), &auth.Caller{})
		}
	})
}
