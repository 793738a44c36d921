package openstackclient

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"midonet.org/midonet/test/cloud"
)

// command is a line of a script and what is expected of it.
type command struct {
	line   int
	user   string
	fails  bool
	args   []string
	expect []string
}

// script is a file of testdata: commands as an operator types them, and below each, indented, what it has to print.
//
//	needs router                    the extensions without which the script is skipped
//	as blue                         who types what follows
//	router create r1
//	  name = r1                     a field of the answer
//	  status ~ ACT                  a part of a field
//	  $r = id                       a field that later lines of the script call $r
//	router list
//	  Name = r1; Status = ACTIVE    a row of the list
//	  no Name = r2                  no row of the list
//	  2 rows
//	! router delete r1              a command that is refused
//	  in use                        what the refusal says
type script struct {
	needs    []string
	commands []command
}

func readScript(t *testing.T, file string) script {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var s script
	user := "admin"
	for i, line := range strings.Split(string(text), "\n") {
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || words[0] == "#":
		case line[0] == ' ':
			last := &s.commands[len(s.commands)-1]
			last.expect = append(last.expect, strings.TrimSpace(line))
		case words[0] == "needs":
			s.needs = append(s.needs, words[1:]...)
		case words[0] == "as":
			user = words[1]
		case words[0] == "!":
			s.commands = append(s.commands, command{line: i + 1, user: user, fails: true, args: words[1:]})
		default:
			s.commands = append(s.commands, command{line: i + 1, user: user, args: words})
		}
	}
	if len(s.commands) == 0 {
		t.Fatalf("%s has no command", file)
	}
	return s
}

// check runs the command and compares. vars are the fields that have a name by now.
func (c command) check(t *testing.T, client *cloud.Client, vars map[string]string) {
	t.Helper()
	where := fmt.Sprintf("line %d, %s: openstack %s", c.line, c.user, strings.Join(c.args, " "))
	var args []string
	for _, arg := range c.args {
		args = append(args, os.Expand(arg, func(name string) string { return vars[name] }))
	}
	if len(c.expect) > 0 && !c.fails {
		args = append(slices.Clone(args), "-f", "json")
	}
	ok, text := client.Run(t, args)
	if ok == c.fails {
		t.Fatalf("%s: want success %v\n%s", where, !c.fails, text)
	}
	for _, e := range c.expect {
		if name, field, named := strings.Cut(e, " = "); named && name[0] == '$' {
			vars[name[1:]] = fieldOf(t, text, field)
			continue
		}
		holds := strings.Contains(strings.ToLower(text), strings.ToLower(e))
		if !c.fails {
			holds = holdsFor(t, text, e)
		}
		if !holds {
			t.Errorf("%s\nwant %q in\n%s", where, e, text)
		}
	}
}

// fieldOf returns a field of the object that the client printed.
func fieldOf(t *testing.T, printed, field string) string {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal([]byte(printed), &object); err != nil {
		t.Fatalf("the client printed no object: %v\n%s", err, printed)
	}
	return asText(object[field])
}

// holdsFor reports whether what the client printed is as expected.
func holdsFor(t *testing.T, printed, expected string) bool {
	t.Helper()
	var answer any
	if err := json.Unmarshal([]byte(printed), &answer); err != nil {
		t.Fatalf("the client printed no JSON: %v\n%s", err, printed)
	}
	rows, isList := answer.([]any)
	if !isList {
		return matches(t, answer, expected)
	}
	var count int
	if n, err := fmt.Sscanf(expected, "%d rows", &count); n == 1 && err == nil {
		return len(rows) == count
	}
	pattern, absent := strings.CutPrefix(expected, "no ")
	return slices.ContainsFunc(rows, func(row any) bool { return matches(t, row, pattern) }) != absent
}

// matches reports whether an object has all fields of a pattern, "a = b; c ~ d".
func matches(t *testing.T, object any, pattern string) bool {
	t.Helper()
	fields, ok := object.(map[string]any)
	if !ok {
		t.Fatalf("the client printed no object: %v", object)
	}
	for field := range strings.SplitSeq(pattern, "; ") {
		words := strings.SplitN(field, " ", 3)
		if len(words) < 2 || words[1] != "=" && words[1] != "~" {
			t.Fatalf("%q is no expectation", field)
		}
		words = append(words, "") // "name =" is an empty name
		// The headings of lists are of several words, which a script joins.
		value, ok := fields[strings.ReplaceAll(words[0], "_", " ")]
		if !ok {
			value, ok = fields[words[0]]
		}
		text := asText(value)
		if !ok || words[1] == "=" && text != words[2] || words[1] == "~" && !strings.Contains(text, words[2]) {
			return false
		}
	}
	return true
}

// asText renders a value as scripts write it: texts as they are, the rest as JSON.
func asText(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(text)
}
