package conf

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"":                     `{}`,
		"{}":                   `{}`,
		"# nothing\n// here\n": `{}`,
		`{"a": {"b": [1, -2.5e3, "x", null, true]}}`:                               `{"a": {"b": [1, -2.5e3, "x", null, true]}}`,
		"foo.bar : 100ms\nanother.option : \"string value\"\nand.yet.another : 42": `{"foo": {"bar": "100ms"}, "another": {"option": "string value"}, "and": {"yet": {"another": 42}}}`,
		"a.b = 1, a.c = 2 # both\n":                                                `{"a": {"b": 1, "c": 2}}`,
		"a { b : 1 } \n a { c : 2 }":                                               `{"a": {"b": 1, "c": 2}}`,
		"a = 1\na = 2":                                                             `{"a": 2}`,
		"a = {b: 1}\na = 2":                                                        `{"a": 2}`,
		"a = one two  three":                                                       `{"a": "one two  three"}`,
		`a = "x" y`:                                                                `{"a": "x y"}`,
		"a = 1 2":                                                                  `{"a": "1 2"}`,
		"a = [1,\n 2\n 3] [4]":                                                     `{"a": [1, 2, 3, 4]}`,
		"a = {b: 1} {c: 2, b: 3}":                                                  `{"a": {"b": 3, "c": 2}}`,
		"a += 1\na += x":                                                           `{"a": [1, "x"]}`,
		"a.b c.d = 1":                                                              `{"a": {"b c": {"d": 1}}}`,
		`a."b.c" = 1`:                                                              `{"a": {"b.c": 1}}`,
		`"a" { "b" = 1 }`:                                                          `{"a": {"b": 1}}`,
		"a = \"\"\"one\n\"two\"\"\"\"":                                             `{"a": "one\n\"two\""}`,
		`a = "\u00e9\n\""`:                                                         `{"a": "é\n\""}`,
		"a =\n  1":                                                                 `{"a": 1}`,
		"6e7f0f2a-1111-4111-8111-000000000001 : \"the_template\" ": `{"6e7f0f2a-1111-4111-8111-000000000001": "the_template"}`,
		"a = 007":      `{"a": "007"}`,
		"a = nullable": `{"a": "nullable"}`,
	} {
		got, err := Parse(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if diff := cmp.Diff(canonical(t, want), canonical(t, got.JSON())); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

// canonical returns the JSON with its numbers as they are written.
func canonical(t *testing.T, text string) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"[1]":                              "line 1: is a list",
		"{} x":                             "line 1: goes on behind its end",
		"a = 1\nb":                         `line 2: key "b" has no value`,
		"a =":                              "there is no value",
		"a = 1 }":                          "neither a comma nor the end of a line",
		"{a = 1":                           "neither a comma nor the end of a line",
		"a = [1":                           "neither a comma nor the end of a line",
		"{":                                "is empty",
		"a = [":                            "a list has no end",
		"a = [1 {b: 2}]":                   "put together",
		"a = {b: 1} [2]":                   "put together",
		"a = \"x":                          "has no end",
		`a = "\x"`:                         "is no text of JSON",
		`a = """x`:                         "has no end",
		"a..b = 1":                         "is empty",
		"a = ${b}":                         "other keys cannot be referred to",
		"a = http://x":                     "which is to be in quotes",
		"include \"/etc/passwd\"":          "cannot be included",
		"include file(\"x\")\n":            "cannot be included",
		"a = 1\na += 2":                    `line 2: "a" is no list that could grow`,
		"a = 1, , b = 2":                   "which is to be in quotes",
		strings.Repeat("a {", 100):         "has more than 64 objects",
		"a = " + strings.Repeat("[", 1000): "has more than 64 objects",
		"a = \xff":                         "is no UTF-8",
	} {
		if c, err := Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v %v, want an error that says %q", text, c, err, want)
		}
	}
}

// TestEveryTextEnds holds that any text is read or refused, and what is read comes back as it is from its JSON.
func TestEveryTextEnds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.SampledFrom([]rune("ab.=:{}[]\",\\\n +#/$1é-"))).Draw(t, "text")
		c, err := Parse(text)
		if err != nil {
			return
		}
		again, err := Parse(c.JSON())
		if diff := cmp.Diff(c, again); err != nil || diff != "" {
			t.Errorf("%q became %s, which is read as something else: %v\n%s", text, c.JSON(), err, diff)
		}
	})
}

func TestOver(t *testing.T) {
	above, _ := Parse("a.b = 1, c = [1], d = null")
	below, _ := Parse("a.b = 2, a.e = 3, c = [2], d = 4, f = 5")
	want, _ := Parse("a { b = 1, e = 3 }, c = [1], d = null, f = 5")
	if diff := cmp.Diff(want, above.Over(below)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(above, above.Over(nil)); diff != "" {
		t.Error(diff)
	}
}
