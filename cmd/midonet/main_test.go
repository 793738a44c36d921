package main

import (
	"slices"
	"strings"
	"testing"
)

// TestMistakesOnTheCommandLine asks for what is wrong and where to read on, without the help itself.
func TestMistakesOnTheCommandLine(t *testing.T) {
	for line, want := range map[string]string{
		"server --bogus":       "midonet: unknown flag --bogus\nSee midonet server --help.\n",
		"join-token --hours 0": "--hours=0: write a number above 0",
		"sandbox":              "See midonet sandbox --help.\n",
		"tcpdump -c x p":       "See midonet tcpdump --help.\n",
		"server leftover":      "See midonet server --help.\n",
		"db dmp":               `did you mean "dump"?`,
		"bogus":                "midonet: unexpected argument bogus\nSee midonet --help.\n",
	} {
		_, err := mainParser(t.Context()).Parse(strings.Fields(line))
		if err == nil {
			t.Errorf("midonet %s is taken", line)
			continue
		}
		if got := whatIsWrong("midonet", err); !strings.Contains(got, want) || strings.Count(got, "\n") != 2 {
			t.Errorf("midonet %s: %q, want two lines with %q", line, got, want)
		}
	}
}

// TestOrderOfConfiguration has files and directories stay in the order in which they are given, since later ones win.
func TestOrderOfConfiguration(t *testing.T) {
	dir := t.TempDir()
	command, err := mainParser(t.Context()).Parse([]string{"server", "--config-dir", dir, "--config-file", "/a,b.conf", "--config-dir=/c"})
	if err != nil {
		t.Fatal(err)
	}
	got := command.Selected().Target.FieldByName("ConfigFile").Interface().([]string)
	if want := []string{dir, "/a,b.conf", "/c"}; !slices.Equal(got, want) {
		t.Errorf("read are %v, want %v", got, want)
	}
}
