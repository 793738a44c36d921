package sim_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/service/dhcp"
	"midonet.org/midonet/agent/sim"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/agent/view/viewtest"
	"midonet.org/midonet/topology"
)

var update = flag.Bool("update", false, "write the walks of testdata as they are now")

// TestWalks runs the scripts of testdata. A script is a topology and packets; each packet's file begins with "PORT DESCRIPTION" and
// its walk follows. Run with -update after a change, and read the difference.
func TestWalks(t *testing.T) {
	scripts, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, script := range scripts {
		t.Run(strings.TrimSuffix(filepath.Base(script), ".txtar"), func(t *testing.T) { runScript(t, script) })
	}
}

func runScript(t *testing.T, script string) {
	a, err := txtar.ParseFile(script)
	if err != nil {
		t.Fatal(err)
	}
	v := view.New(viewtest.ID[topology.Host]("h1"))
	for i, f := range a.Files {
		if f.Name == "topology" {
			objects, err := viewtest.Parse(string(f.Data))
			if err != nil {
				t.Fatal(err)
			}
			v = viewtest.To(v, objects)
			continue
		}
		question, want, _ := strings.Cut(string(f.Data), "\n")
		got := walk(t, v, question)
		if *update {
			a.Files[i].Data = []byte(question + "\n" + got)
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s (-want +got):\n%s", f.Name, question, diff)
		}
	}
	if *update {
		if err := os.WriteFile(script, txtar.Format(a), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// walk simulates the packet that the question describes, and returns the walk and the tags.
func walk(t *testing.T, v *view.View, question string) string {
	port, text, _ := strings.Cut(strings.TrimPrefix(question, "> "), " ")
	d, err := packet.ParseDescription(text)
	if err != nil {
		t.Fatal(err)
	}
	r := sim.Simulate(v, sim.Input{InPort: viewtest.ID[topology.Port](port), Frame: d.Frame(), Trace: true, State: sim.EmptyState{}},
		dhcp.Responder{})
	var b bytes.Buffer
	if err := sim.Format(&b, r, v); err != nil {
		t.Fatal(err)
	}
	if r.Cache {
		for i, tag := range r.Tags {
			if slices.Contains(r.Tags[:i], tag) {
				continue
			}
			fmt.Fprintf(&b, "   tag %s\n", tag)
		}
	}
	return b.String()
}
