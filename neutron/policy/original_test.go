package policy

import (
	"bytes"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"midonet.org/midonet/neutron/auth"
)

// python runs a script of testdata with Debian's Python, input and output in JSON. It skips the test where a module is not installed.
func python(t *testing.T, module, script string, in, out any) {
	t.Helper()
	const interpreter = "/usr/bin/python3" // Debian's packages are this one's
	if err := exec.Command(interpreter, "-c", "import "+module).Run(); err != nil {
		t.Skipf("Python's %s is not installed: %v", module, err)
	}
	raw, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(interpreter, "testdata/"+script)
	cmd.Stdin = bytes.NewReader(raw)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	answer, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, &stderr)
	}
	if err := json.Unmarshal(answer, out); err != nil {
		t.Fatalf("%s: %v\n%s", script, err, answer)
	}
}

// servedPolicies are the modules of neutron.conf.policies whose rules govern what is served, in the order of Defaults.
var servedPolicies = []string{"base", "network", "subnet", "port", "rbac", "subnetpool", "address_scope", "quotas", "agent", "availability_zone",
	"service_type", "network_ip_availability", "flavor", "auto_allocated_topology", "router", "floatingip", "floatingip_port_forwarding",
	"security_group", "address_group"}

// foreignPolicies are those of resources that are not served, nor listed among the extensions.
var foreignPolicies = []string{"floatingip_pools", "l3_conntrack_helper", "local_ip", "local_ip_association", "logging", "metering", "ndp_proxy",
	"network_segment_range", "qos", "segment", "trunk"}

// recordedDefaults reads the rules that Neutron 21 ships, by their module.
func recordedDefaults(t *testing.T) map[string][]Default {
	t.Helper()
	raw, err := os.ReadFile("testdata/defaults.json")
	if err != nil {
		t.Fatal(err)
	}
	var modules map[string][]Default
	if err := json.Unmarshal(raw, &modules); err != nil {
		t.Fatal(err)
	}
	return modules
}

// TestDefaultsAreNeutrons compares the rules with the recorded ones of Neutron 21, where each module is served or named as one that is
// not. docs/divergences.md has the rule that differs, and those of a later Neutron.
func TestDefaultsAreNeutrons(t *testing.T) {
	recorded := recordedDefaults(t)
	known := slices.Sorted(slices.Values(slices.Concat(servedPolicies, foreignPolicies)))
	if diff := cmp.Diff(slices.Sorted(maps.Keys(recorded)), known); diff != "" {
		t.Errorf("modules with rules (-neutron +ours):\n%s", diff)
	}
	var want []Default
	for _, module := range servedPolicies {
		want = append(want, recorded[module]...)
	}
	for i, d := range want {
		if d.Name == "create_subnet" {
			want[i].Check = "rule:admin_only or role:member and rule:network_owner"
		}
	}
	later := portBindingDefaults()
	ours := slices.DeleteFunc(Defaults(), func(d Default) bool {
		return slices.ContainsFunc(later, func(l Default) bool { return l.Name == d.Name })
	})
	if diff := cmp.Diff(want, ours); diff != "" {
		t.Errorf("(-neutron +ours):\n%s", diff)
	}
}

// TestRecordedDefaultsAreNeutrons holds the record to Debian's neutron, where that is installed.
func TestRecordedDefaultsAreNeutrons(t *testing.T) {
	var want map[string][]Default
	python(t, "neutron.conf.policies", "defaults.py", nil, &want)
	if diff := cmp.Diff(want, recordedDefaults(t)); diff != "" {
		t.Errorf("testdata/defaults.py > testdata/defaults.json writes it (-neutron +record):\n%s", diff)
	}
}

// question is one rule asked of oslo.policy and of us.
type question struct {
	Rule   string         `json:"rule"`
	Caller map[string]any `json:"caller"`
	Target map[string]any `json:"target"`
}

// TestTheLanguageIsOslos asks oslo.policy the meaning of rules made at random, well formed and not.
func TestTheLanguageIsOslos(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	questions := make([]question, 20000)
	for i := range questions {
		questions[i] = question{Rule: randomRule(r),
			Caller: map[string]any{"user_id": "u", "project_id": "p", "roles": []string{"reader", "Member"}, "system_scope": nil},
			Target: map[string]any{"project_id": pick(r, "p", "q"), "user": "u", "shared": pick(r, true, false), "null": nil, "mtu": 1500}}
	}
	var answers []struct {
		Text    string
		Verdict bool
	}
	python(t, "oslo_policy", "oslo.py", questions, &answers)
	allowed := 0
	for i, q := range questions {
		verdict, text := ours(t, q)
		if verdict != answers[i].Verdict {
			t.Errorf("%q for %v: oslo.policy says %t (%s), we %t (%s)", q.Rule, q.Target, answers[i].Verdict, answers[i].Text, verdict, text)
		}
		if verdict {
			allowed++
		}
	}
	t.Logf("%d of %d rules allow", allowed, len(questions))
	if allowed < len(questions)/10 {
		t.Error("the rules at random say little")
	}
}

// ours decides a question. A rule that cannot be read allows nothing, as in oslo.policy.
func ours(t *testing.T, q question) (verdict bool, text string) {
	c, err := grammar{}.parse(q.Rule)
	if err != nil {
		return false, err.Error()
	}
	rules := &Rules{checks: map[string]check{"yes": constant(Yes), "no": constant(No)}}
	caller := &auth.Caller{UserID: "u", ProjectID: "p", Roles: []string{"reader", "Member"}}
	e := &evaluation{ctx: t.Context(), rules: rules, who: credentials{caller}, target: object(q.Target)}
	return c.decide(e) == Yes, c.String()
}

// randomRule strings words together: mostly a rule, sometimes nonsense.
func randomRule(r *rand.Rand) string {
	if r.IntN(10) == 0 {
		words := make([]string, r.IntN(6))
		for i := range words {
			words[i] = pick(r, "(", ")", "and", "or", "not", randomCheck(r))
		}
		return strings.Join(words, " ")
	}
	return randomExpression(r, 3)
}

func randomExpression(r *rand.Rand, depth int) string {
	if depth == 0 {
		return randomCheck(r)
	}
	a, b := randomExpression(r, depth-1), randomExpression(r, depth-1)
	switch r.IntN(6) {
	case 0:
		return a + " and " + b
	case 1:
		return a + " or " + b
	case 2:
		return "not " + pick(r, a, "("+a+")")
	case 3:
		return "(" + a + ")"
	case 4:
		return a + " AND (" + b + ")"
	}
	return randomCheck(r)
}

func randomCheck(r *rand.Rand) string {
	return pick(r, "@", "!", "rule:yes", "rule:no", "rule:none", "role:reader", "role:MEMBER", "role:admin", "role:%(user)s",
		"user_id:%(user)s", "project_id:%(project_id)s", "project_id:%(absent)s", "roles:reader", "roles:Member", "roles:member",
		"'p':%(project_id)s", "True:%(shared)s", "None:%(null)s", "system_scope:None", "1500:%(mtu)s", "absent:x", "user_id:u%%",
		"user_id:%(user)s%(user)s", "user_id:")
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }
