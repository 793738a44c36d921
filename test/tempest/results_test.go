package tempest

import (
	"bufio"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// recording holds what the original does, a test a line.
const recording = "testdata/neutron-21.txt"

// verdict is how one test ended.
type verdict string

const (
	passed  verdict = "pass"
	skipped verdict = "skip"
	failed  verdict = "fail"
)

// outcome is one test's end, or that of the setting up of all tests of a class.
type outcome struct {
	name    string // the test's, dotted; setUpClass (the class's)
	verdict verdict
	detail  string // why it was skipped; what a failed test captured
}

// resultLine is how tempest prints the end of a test: the worker, the name with its labels in brackets, how long it took (unless skipped),
// the verdict.
var resultLine = regexp.MustCompile(`^\{\d+\} ([^\[]+?)(?:\[[^\]]*\])?(?: \[[\d.]+s\])? \.\.\. (ok|FAILED|SKIPPED: (.*))$`)

// parse reads what `tempest run` prints. What follows a failed test, up to the next test, is its detail.
func parse(output string) map[string]outcome {
	outcomes := map[string]outcome{}
	last := ""
	for line := range strings.Lines(output) {
		line = strings.TrimRight(line, "\n")
		if m := resultLine.FindStringSubmatch(line); m != nil {
			o := outcome{name: m[1], verdict: failed}
			switch {
			case m[2] == "ok":
				o.verdict = passed
			case m[2] != "FAILED":
				o.verdict, o.detail = skipped, m[3]
			}
			outcomes[o.name], last = o, o.name
			continue
		}
		if o, ok := outcomes[last]; ok && o.verdict == failed && !strings.HasPrefix(line, "====") {
			o.detail += line + "\n"
			outcomes[last] = o
		} else {
			last = ""
		}
	}
	return outcomes
}

// find returns the outcome of a test, which is that of its class where the class could not be set up.
func find(outcomes map[string]outcome, name string) (outcome, bool) {
	if o, ok := outcomes[name]; ok {
		return o, true
	}
	class := name[:strings.LastIndex(name, ".")]
	o, ok := outcomes["setUpClass ("+class+")"]
	return o, ok
}

// write records what the original does. A test that fails there is recorded too: no one has to pass it.
func write(t *testing.T, outcomes map[string]outcome) {
	t.Helper()
	var text strings.Builder
	text.WriteString("# What neutron-server 21.0.0 does with the tests of tempest 33.0.0, both Debian's; written by this package's test.\n")
	for _, name := range slices.Sorted(maps.Keys(outcomes)) {
		o := outcomes[name]
		line := string(o.verdict) + " " + name
		if o.verdict == skipped {
			line += ": " + o.detail
		}
		text.WriteString(line + "\n")
		if o.verdict == failed {
			t.Errorf("%s fails against the original:\n%s", name, o.detail)
		}
	}
	if err := os.WriteFile(recording, []byte(text.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// read returns what the original does.
func read(t *testing.T) []outcome {
	t.Helper()
	f, err := os.Open(recording)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var outcomes []outcome
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := lines.Text()
		if strings.HasPrefix(line, "#") {
			continue
		}
		o, err := parseRecord(line)
		if err != nil {
			t.Fatalf("%s: %v", recording, err)
		}
		outcomes = append(outcomes, o)
	}
	return outcomes
}

// parseRecord reads a line of the recording: "pass NAME" or "skip NAME: REASON".
func parseRecord(line string) (outcome, error) {
	v, rest, ok := strings.Cut(line, " ")
	if !ok || !slices.Contains([]verdict{passed, skipped, failed}, verdict(v)) {
		return outcome{}, fmt.Errorf("no record: %q", line)
	}
	name, detail, _ := strings.Cut(rest, ": ")
	return outcome{name: name, verdict: verdict(v), detail: detail}, nil
}
