package translate

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"midonet.org/midonet/id"
	"midonet.org/midonet/topology"
)

var update = flag.Bool("update", false, "write what the golden cases give into their files; read the difference before you commit it")

// TestGolden renders each case of testdata: its files are changes in order, "put RESOURCE" with Neutron's JSON or "delete RESOURCE"
// with an identifier; "want" is everything that is rendered at the end.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { golden(t, file) })
	}
}

func golden(t *testing.T, file string) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	sim := newSimulation()
	last := len(archive.Files) - 1
	for _, f := range archive.Files[:last] {
		if err := sim.apply(parseChange(t, f)); err != nil {
			t.Fatalf("after %q: %v", f.Name, err)
		}
	}
	if archive.Files[last].Name != "want" {
		t.Fatalf("the last file is %q, not \"want\"", archive.Files[last].Name)
	}
	got := text(All(sim.set))
	if *update {
		archive.Files[last].Data = []byte(got)
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(string(archive.Files[last].Data), got); diff != "" {
		t.Errorf("rendered (-want +got):\n%s", diff)
	}
}

func parseChange(t *testing.T, f txtar.File) Change {
	t.Helper()
	verb, resource, _ := strings.Cut(f.Name, " ")
	if verb == "delete" {
		u, err := id.Parse[Owner](strings.TrimSpace(string(f.Data)))
		if err != nil {
			t.Fatal(err)
		}
		return Deletion(Owner{Resource(resource), u})
	}
	var head struct{ ID id.ID[Owner] }
	if err := json.Unmarshal(f.Data, &head); err != nil {
		t.Fatalf("%q: %v", f.Name, err)
	}
	c, err := Decode(Owner{Resource(resource), head.ID}, f.Data)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// text has a block for each object, a line for each field that is set, blocks in order of kind and text.
func text(objects []topology.Object) string {
	var blocks []string
	for _, o := range objects {
		blocks = append(blocks, block(o))
	}
	slices.Sort(blocks)
	return strings.Join(blocks, "\n")
}

func block(o topology.Object) string {
	v := reflect.ValueOf(o).Elem()
	var b strings.Builder
	fmt.Fprintf(&b, "%02d %v\n", o.Key().Kind, o.Key().Kind)
	for i := range v.NumField() {
		if f := v.Field(i); !f.IsZero() && !(f.Kind() == reflect.Slice && f.Len() == 0) {
			fmt.Fprintf(&b, "    %s: %s\n", v.Type().Field(i).Name, words(f))
		}
	}
	return b.String()
}

// words writes a value with only those fields of structs that are set; the rules of a chain have a line each.
func words(v reflect.Value) string {
	if _, ok := v.Interface().(fmt.Stringer); ok {
		return fmt.Sprint(v.Interface())
	}
	switch v.Kind() {
	case reflect.Pointer:
		return words(v.Elem())
	case reflect.Slice:
		between := " "
		if v.Type() == reflect.TypeFor[[]topology.Rule]() {
			between = "\n        "
		}
		var items []string
		for i := range v.Len() {
			items = append(items, words(v.Index(i)))
		}
		return "[" + strings.Join(items, between) + "]"
	case reflect.Struct:
		var fields []string
		for i := range v.NumField() {
			if f := v.Field(i); !f.IsZero() {
				fields = append(fields, v.Type().Field(i).Name+":"+words(f))
			}
		}
		return "{" + strings.Join(fields, " ") + "}"
	}
	return fmt.Sprintf("%+v", v.Interface())
}
