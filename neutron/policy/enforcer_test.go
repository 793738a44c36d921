package policy

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"midonet.org/midonet/errs"
)

// newEnforcer returns an enforcer whose clock stands still until the returned function moves it past the next look.
func newEnforcer(t *testing.T, files Files) (*Enforcer, func(), *strings.Builder) {
	t.Helper()
	log := &strings.Builder{}
	e, err := New(Options{DefaultRule: "default"}, files, resources, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(0, e.lookAt.Load()).Add(-lookEvery)
	e.now = func() time.Time { return now }
	return e, func() { now = now.Add(lookEvery) }, log
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// text is a rule as it is in force.
func (e *Enforcer) text(rule string) string {
	c, _ := e.Rules().lookup(rule)
	return c.String()
}

func TestReload(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "policy.yaml")
	e, pass, log := newEnforcer(t, Files{File: "policy.yaml", Dirs: []string{"policy.d"}, Search: []string{"/nonexistent", dir}})
	want := func(what, rule string) {
		t.Helper()
		if got := e.text("delete_network"); got != rule {
			t.Errorf("%s: %s, want %s", what, got, rule)
		}
	}
	neutron := e.text("delete_network")
	writeFile(t, file, "delete_network: role:blue\n")
	want("before the second is over", neutron)
	pass()
	want("a new file", "role:blue")
	writeFile(t, file, "delete_network: role:\n  - yellow\n")
	pass()
	want("a file that cannot be read", "role:blue")
	if !strings.Contains(log.String(), file) || !strings.Contains(log.String(), "level=ERROR") {
		t.Errorf("the log does not say what is wrong: %s", log)
	}
	writeFile(t, file, "delete_network: role:green or x\n")
	pass()
	want("a rule that cannot be read", "role:blue")
	if !strings.Contains(log.String(), "rule delete_network:") {
		t.Errorf("the log does not name the rule: %s", log)
	}
	writeFile(t, file, `{"delete_network": [["role:red", "role:blue"]]}`)
	pass()
	want("JSON, and the list form", "(role:red and role:blue)")
	if err := os.Mkdir(filepath.Join(dir, "policy.d"), 0o700); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "policy.d", "10.yaml"), "delete_network: role:ten")
	writeFile(t, filepath.Join(dir, "policy.d", "20.yaml"), "delete_network: role:twenty")
	writeFile(t, filepath.Join(dir, "policy.d", ".30.yaml"), "delete_network: role:hidden")
	pass()
	want("a directory", "role:twenty")
	os.RemoveAll(filepath.Join(dir, "policy.d"))
	os.Remove(file)
	pass()
	want("no file any more", neutron)
	writeFile(t, filepath.Join(dir, "policy.json"), `{"delete_network": "role:old"}`)
	pass()
	want("the older name", "role:old")
}

func TestAServerDoesNotStartWithRulesItCannotRead(t *testing.T) {
	file := filepath.Join(t.TempDir(), "my.yaml")
	for text, want := range map[string]string{
		"- a list":             "cannot unmarshal",
		"get_network: {}":      "rule get_network:",
		"get_network: 'x'":     `rule get_network: "x" is not a check`,
		"a: rule:b\nb: rule:a": "rule a refers to itself: a -> b -> a",
	} {
		writeFile(t, file, text)
		_, err := New(Options{DefaultRule: "default"}, Files{File: file}, resources, slog.New(slog.DiscardHandler))
		if !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestAMissingFileIsSaid(t *testing.T) {
	_, _, log := newEnforcer(t, Files{File: "/nonexistent/rules.yaml"})
	if !strings.Contains(log.String(), "/nonexistent/rules.yaml") {
		t.Errorf("the log says %q", log)
	}
}
