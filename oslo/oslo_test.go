package oslo

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type server struct {
	Name     string        `oslo:"DEFAULT/name" default:"box" help:"A name."`
	Port     int           `oslo:"DEFAULT/bind_port" default:"9696"`
	On       bool          `oslo:"DEFAULT/on" default:"true"`
	Ratio    float64       `oslo:"DEFAULT/ratio" default:"1.5"`
	Lease    time.Duration `oslo:"DEFAULT/lease" default:"60"`
	Types    []string      `oslo:"ml2/types" default:"a,b"`
	Provider MultiString   `oslo:"service_providers/service_provider"`
	Database struct {
		URL  string `oslo:"database/connection" secret:"true"`
		Host string `oslo:"database/host" default:"localhost"`
	}
	unread int
}

func read(t *testing.T, texts ...string) (server, []Warning, error) {
	t.Helper()
	var s server
	var files []string
	for i, text := range texts {
		name := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err, i)
		}
		files = append(files, name)
	}
	warnings, err := Load(&s, []string{"DEFAULT/known", "nova/*"}, files...)
	return s, warnings, err
}

func mustRead(t *testing.T, texts ...string) server {
	t.Helper()
	s, _, err := read(t, texts...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestDefaults(t *testing.T) {
	s := mustRead(t)
	if s.Name != "box" || s.Port != 9696 || !s.On || s.Ratio != 1.5 || s.Lease != time.Minute || s.Database.Host != "localhost" ||
		s.Database.URL != "" || s.Provider != nil || s.unread != 0 {
		t.Errorf("%+v", s)
	}
	if diff := cmp.Diff([]string{"a", "b"}, s.Types); diff != "" {
		t.Error(diff)
	}
}

func TestKinds(t *testing.T) {
	s := mustRead(t, `# a comment
[DEFAULT]
name = "quoted name"
; another
bind_port: 80
on = OFF
ratio = 2
lease = 120
[ml2]
types = c , d,
[DATABASE]
connection = mysql://u:p=q@h/db?x=1:2
`)
	if s.Name != "quoted name" || s.Port != 80 || s.On || s.Ratio != 2 || s.Lease != 2*time.Minute {
		t.Errorf("%+v", s)
	}
	if s.Database.URL != "mysql://u:p=q@h/db?x=1:2" {
		t.Errorf("connection is %q", s.Database.URL)
	}
	if diff := cmp.Diff([]string{"c", "d"}, s.Types); diff != "" {
		t.Error(diff)
	}
}

func TestBooleans(t *testing.T) {
	for text, want := range map[string]bool{"true": true, "1": true, "On": true, "YES": true, "False": false, "0": false, "off": false, "no": false} {
		if s := mustRead(t, "[DEFAULT]\non = "+text); s.On != want {
			t.Errorf("%s is read as %v", text, s.On)
		}
	}
}

func TestLaterFilesAndLinesWin(t *testing.T) {
	s := mustRead(t, "[DEFAULT]\nname = a\nname = b\nbind_port = 1\n", "[DEFAULT]\nname = c\n")
	if s.Name != "c" || s.Port != 1 {
		t.Errorf("name %q, port %d", s.Name, s.Port)
	}
}

func TestMultiStringGathersAllFiles(t *testing.T) {
	s := mustRead(t, "[service_providers]\nservice_provider = VPN:a\nservice_provider=L2GW:b\n", "[service_providers]\nservice_provider = TAAS:c")
	if diff := cmp.Diff(MultiString{"VPN:a", "L2GW:b", "TAAS:c"}, s.Provider); diff != "" {
		t.Error(diff)
	}
}

func TestContinuationLines(t *testing.T) {
	s := mustRead(t, "[ml2]\ntypes = a,\n   b,\n\tc\n\n[DEFAULT]\nname = one\n  two\n")
	if diff := cmp.Diff([]string{"a", "b", "c"}, s.Types); diff != "" {
		t.Error(diff)
	}
	if s.Name != "one\ntwo" {
		t.Errorf("name is %q", s.Name)
	}
}

func TestInterpolation(t *testing.T) {
	for text, want := range map[string]string{
		"name = $host:$bind_port":                       "h:9696",
		"name = ${database.host}/x":                     "localhost/x",
		"name = $database.host":                         "localhost",
		"name = p$$word":                                "p$word",
		`name = p\$word`:                                "p$word",
		"name = 5$ and $5":                              "5$ and $5",
		"name = $other\nother = <$host>":                "<h>",
		"name = $bind_port\nbind_port = 1\nbind_port=2": "2",
	} {
		s, _, err := read(t, "[DEFAULT]\nhost = h\n"+text)
		if err != nil || s.Name != want {
			t.Errorf("%s: name is %q, %v; want %q", text, s.Name, err, want)
		}
	}
}

// TestInterpolationLooksInTheOwnGroupFirst is oslo_config's StrSubWrapper.
func TestInterpolationLooksInTheOwnGroupFirst(t *testing.T) {
	s := mustRead(t, "[DEFAULT]\nhost = outer\n[database]\nhost = inner\nconnection = sql://$host/$name")
	if s.Database.URL != "sql://inner/box" {
		t.Errorf("connection is %q", s.Database.URL)
	}
}

func TestErrorsNameFileLineAndCause(t *testing.T) {
	for text, want := range map[string]string{
		"[DEFAULT]\nbind_port = many":      `:2: option bind_port of group [DEFAULT]: "many" is no whole number`,
		"[DEFAULT]\n\non = maybe":          `:3: option on of group [DEFAULT]: "maybe" is no boolean: write true or false, 1 or 0, on or off, yes or no`,
		"[DEFAULT]\nratio = x":             `:2: option ratio of group [DEFAULT]: "x" is no number`,
		"[DEFAULT]\nname = $nothing":       ":2: option name of group [DEFAULT]: $nothing refers to no option; write $$ for a dollar sign",
		"[DEFAULT]\nname = $a\na=$b\nb=$a": ":2: option name of group [DEFAULT]: $a refers to itself",
		"[DEFAULT]\nname = $name":          ":2: option name of group [DEFAULT]: $name refers to itself",
		"[database]\nconnection = p$word": ":2: option connection of group [database]: the value, which is secret and not shown, is not " +
			"understood; write $$ for a dollar sign",
		"name = x":                        `:1: a group header such as [DEFAULT] must come before the first assignment`,
		"[DEFAULT\n":                      `:1: a group header must end with ]`,
		"[]\n":                            `:1: the group has no name`,
		"[DEFAULT]\npassword hunter2\n":   `:2: no = or : found in the assignment`,
		"[DEFAULT]\n= x\n":                `:2: the option has no name`,
		"[DEFAULT]\n  x\n":                `:2: unexpected continuation line`,
		"[DEFAULT]\nname = x\n\n  y\n":    `:4: unexpected continuation line`,
		"[DEFAULT]\nname = x\n# c\n  y\n": `:4: unexpected continuation line`,
	} {
		_, _, err := read(t, text)
		if err == nil || !strings.HasSuffix(err.Error(), "/file"+want) {
			t.Errorf("%q: error %v\nwant …/file%s", text, err, want)
		}
	}
}

// TestAllBadValuesAreTold asks that an operator need not start the program once for each.
func TestAllBadValuesAreTold(t *testing.T) {
	_, _, err := read(t, "[DEFAULT]\nbind_port = many\nratio = x\n")
	if err == nil || !strings.Contains(err.Error(), ":2: option bind_port") || !strings.Contains(err.Error(), "\n") ||
		!strings.HasSuffix(err.Error(), `:3: option ratio of group [DEFAULT]: "x" is no number`) {
		t.Errorf("error %v", err)
	}
}

// TestDirectories reads what oslo.config's --config-dir names: the files of the right name, in their order, where the directory stands.
func TestDirectories(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"10-a.conf": "[DEFAULT]\nname = a\nbind_port = 1\n", "20-b.conf": "[DEFAULT]\nname = b\n", "30-c.conf~": "no configuration",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	after := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(after, []byte("[DEFAULT]\nbind_port = 2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		files []string
		want  server
	}{
		{[]string{dir, after}, server{Name: "b", Port: 2}},
		{[]string{after, dir}, server{Name: "b", Port: 1}},
	} {
		var s server
		if _, err := Load(&s, nil, c.files...); err != nil || s.Name != c.want.Name || s.Port != c.want.Port {
			t.Errorf("%v: name %q, port %d, %v; want %q, %d", c.files, s.Name, s.Port, err, c.want.Name, c.want.Port)
		}
	}
}

func TestWhereAndUnread(t *testing.T) {
	entries, err := Parse(strings.NewReader("[DEFAULT]\nname = a\nname = b\n[nova]\nx = 1\nx = 2\n[Database]\nHost = h\n"), "f")
	if err != nil {
		t.Fatal(err)
	}
	for option, want := range map[string]string{"DEFAULT/name": "f:3", "database/host": "f:8", "DEFAULT/on": ""} {
		if got := Where(entries, option); got != want {
			t.Errorf("%s is at %q, want %q", option, got, want)
		}
	}
	if got := Unread([]string{"nova/*", "database/host"}, entries); !cmp.Equal(got, []string{"nova/x", "Database/Host"}) {
		t.Errorf("unread are %v", got)
	}
}

func TestErrorTypes(t *testing.T) {
	_, _, err := read(t, "[DEFAULT]\nbind_port = many")
	var value *ValueError
	if !errors.As(err, &value) || value.Option.Name != "bind_port" || value.Line != 2 {
		t.Errorf("error %#v", err)
	}
	_, _, err = read(t, "x")
	var syntax *SyntaxError
	if !errors.As(err, &syntax) || syntax.Line != 1 {
		t.Errorf("error %#v", err)
	}
	if _, _, err = read(t, "[DEFAULT]\nname = "+strings.Repeat("x", maxLine)); !errors.As(err, &syntax) || syntax.Line != 2 {
		t.Errorf("a line that is too long: %v", err)
	}
}

func TestWarnings(t *testing.T) {
	_, warnings, err := read(t, "[DEFAULT]\nknown = 1\nbind-port = 1\nbind_prt = 1\nzzz = 1\n[nova]\nanything = 1\n[ml2]\nname = x\n")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, w := range warnings {
		got = append(got, w.Name+" "+w.Nearest)
	}
	if diff := cmp.Diff([]string{"bind_prt DEFAULT/bind_port", "zzz ", "name DEFAULT/name"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestOptionsAreTheDocumentation(t *testing.T) {
	options := Options(&server{})
	if len(options) != 9 {
		t.Fatalf("%d options", len(options))
	}
	got := options[0]
	got.index = nil
	want := Option{Group: "DEFAULT", Name: "name", Kind: "string", Default: "box", Help: "A name."}
	if !cmp.Equal(want, got, cmp.AllowUnexported(Option{})) {
		t.Errorf("got %+v", got)
	}
	if kinds := []string{options[4].Kind, options[5].Kind, options[6].Kind}; !cmp.Equal(kinds, []string{"seconds", "list", "multi"}) {
		t.Errorf("kinds %v", kinds)
	}
	if !options[7].Secret {
		t.Error("the connection is not secret")
	}
}

// FuzzParse asks that no file makes the reader panic, that each refusal names a line of the file, and that what is read can be
// filled in or is refused with the place.
func FuzzParse(f *testing.F) {
	f.Add("[DEFAULT]\nname = x\n  y\n# c\n[ml2]\ntypes: a,b\n")
	f.Add("[a]\nb='")
	f.Add("[DEFAULT]\nname = ${database.host} $$ \\$ $ $bind_port\n[database]\nhost=$name")
	f.Fuzz(func(t *testing.T, text string) {
		entries, err := Parse(strings.NewReader(text), "f")
		if err != nil {
			var syntax *SyntaxError
			if !errors.As(err, &syntax) || syntax.Line < 1 || syntax.Line > 1+strings.Count(text, "\n") {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		var s server
		if _, err := Fill(&s, nil, entries); err != nil {
			var value *ValueError
			if !errors.As(err, &value) || value.Line < 1 {
				t.Fatalf("%q: %v", text, err)
			}
		}
	})
}
