package midonet

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "midonet.org/midonet/"

// leaves may be imported by every package and import only the standard library.
var leaves = []string{"atomicfile", "errs", "id", "mac", "oslo"}

// layers is the one-way flow of docs/ARCHITECTURE.md as a table: which packages of this module each package may import besides
// leaves and its own sub-tree's parents named here. A pattern ending in /... covers a package and everything below it. The first
// matching row holds. Test files may import more: they join stages on purpose.
var layers = []struct {
	pkg    string
	may    []string
	reason string
}{
	{"topology/topologypb", []string{"topology"}, "the wire form knows the values, never the other way round"},
	{"topology", nil, "the model is known by everyone and so may know no one"},
	{"neutron/apidef", []string{"neutron/model"}, "definitions are data; the model's types give converters their results"},
	{"neutron/model", nil, "resources know nothing of what is done with them"},
	{"neutron/policy", []string{"neutron/apidef", "neutron/model", "neutron/auth"}, "rules speak of attributes and callers"},
	{"neutron/auth", nil, "who calls does not depend on what is called"},
	{"neutron/plugin", []string{"neutron/model", "neutron/apidef", "neutron/auth", "neutron/policy"}, "contracts between the parts of the north"},
	{"neutron/store/storetest", []string{"neutron/store", "test/child"}, "databases for tests; their servers end with the test"},
	{"neutron/store/...", []string{"neutron/model", "neutron/apidef", "neutron/plugin", "neutron/store"}, "SQL knows rows, not rules"},
	{"neutron/journal/...", []string{"neutron/model", "neutron/store"}, "a task is a row beside the resource's row"},
	{"neutron/quota", []string{"neutron/model", "neutron/apidef", "neutron/auth", "neutron/plugin", "neutron/store"}, "how many of each resource a project may have"},
	{"neutron/tag", []string{"neutron/model", "neutron/auth", "neutron/plugin", "neutron/store"}, "marks on resources of every kind"},
	{"neutron/ml2/...", []string{"neutron/model", "neutron/apidef", "neutron/auth", "neutron/policy", "neutron/plugin", "neutron/store", "neutron/journal", "neutron/quota", "neutron/ml2"}, "rules of the core resources"},
	{"neutron/service/...", []string{"neutron/model", "neutron/apidef", "neutron/auth", "neutron/plugin", "neutron/store", "neutron/journal", "neutron/quota", "neutron/ml2", "neutron/service"}, "rules of what stands beside the core, in the core's transactions"},
	{"neutron/api/...", []string{"neutron/model", "neutron/apidef", "neutron/auth", "neutron/policy", "neutron/plugin", "neutron/api"}, "HTTP sees plugins through their contract alone"},
	{"neutron/config", []string{"neutron/ml2", "neutron/service", "neutron/quota", "neutron/policy", "neutron/auth"}, "options become the plugins' own configuration"},
	{"backend/...", []string{"neutron/journal", "neutron/model", "cluster/importer", "backend"}, "drains the journal into a cluster, or to one elsewhere"},
	{"cluster/translate", []string{"topology", "neutron/model"}, "pure: no store, clock or randomness"},
	{"cluster/nsdb/nsdbtest/servers", []string{"test/child", "test/freeport"}, "engines for tests; they end with the test"},
	{"cluster/nsdb/...", []string{"topology", "topology/topologypb", "cluster/nsdb"}, "engines keep objects and do not interpret them"},
	{"cluster/importer", []string{"topology", "topology/topologypb", "neutron/model", "neutron/journal", "cluster/translate", "cluster/nsdb"}, "drain, render, diff, commit"},
	{"cluster/stream/...", []string{"topology", "topology/topologypb", "cluster/nsdb", "cluster/stream"}, "what each host needs, and its certificates"},
	{"cluster/operator", []string{"topology", "cluster/nsdb"}, "the changes of the topology that operators ask for, and what follows from them"},
	{"cluster/conf", nil, "reads documents of configuration, and knows none of what is configured"},
	{"cluster/api", []string{"topology", "neutron/model", "cluster/translate", "cluster/conf", "cluster/nsdb", "cluster/importer", "cluster/operator"}, "the MidoNet REST API: reads the mirror, writes through the importer"},
	{"cluster/inspect", []string{"topology"}, "shows a topology to people, wherever it came from"},
	{"cluster/job/...", []string{"topology", "neutron/journal", "cluster/nsdb"}, "facts on their way back to Neutron"},
	{"agent/packet", []string{}, "parses and builds frames; knows no network"},
	{"agent/prefix", []string{}, "looks up addresses; knows nothing of networks"},
	{"agent/view/...", []string{"topology", "agent/prefix", "agent/flow", "agent/view"}, "pure; viewtest writes topologies as text"},
	{"agent/slot", []string{}, "finds what is kept in numbered slots, and knows nothing of it"},
	{"agent/flow", []string{"topology", "agent/packet", "agent/prefix", "agent/slot"}, "pure"},
	{"agent/sim", []string{"topology", "agent/packet", "agent/view", "agent/flow"}, "pure"},
	{"agent/service/...", []string{"topology", "agent/packet", "agent/view", "agent/flow", "agent/sim"}, "answers for the agent's own services"},
	{"agent/datapath/...", []string{"topology", "agent/packet", "agent/flow", "agent/datapath", "agent/netns"}, "moves packets by flows; knows no topology beyond names"},
	{"agent/capture", []string{}, "packets of an interface as pcap"},
	{"agent/netns", []string{}, "network namespaces of the kernel"},
	{"agent/hostif", []string{"topology"}, "interfaces of the host, nothing virtual"},
	{"agent/hostif/stub", []string{"agent/netns"}, "a network of the agent's own, which the datapath joins to others"},
	{"agent/flowstate", []string{"topology", "agent/packet", "agent/flow", "agent/slot"}, "what a host remembers of connections; no clock, no network"},
	{"agent/session", []string{"topology", "topology/topologypb", "agent/view"}, "the agent's end of the stream"},
	{"agent/control", []string{"topology"}, "the host's local socket for mm-ctl"},
	{"agent/worker", []string{"topology", "agent/packet", "agent/view", "agent/flow", "agent/sim", "agent/flowstate", "agent/datapath"}, "the loop: miss, simulate, install, forward"},
	{"sandbox", []string{"topology"}, "drives binaries and namespaces, as a person would"},
	{"bench/...", []string{"*"}, "measures everything"},
	{"test/...", []string{"*"}, "scenarios join all stages"},
	{"run", []string{"*"}, "hand wiring, one function per role"},
	{"cmd/...", []string{"run", "agent/control", "sandbox"}, "main parses the command line and calls run"},
}

// kernelOnly are import paths that only the packages that speak to the kernel may use.
var kernelOnly = map[string][]string{
	"github.com/cilium/ebpf":         {"agent/datapath/ebpf", "bench", "test"},
	"github.com/vishvananda/netlink": {"agent/hostif", "agent/datapath/ebpf", "sandbox", "bench", "test"},
	"golang.org/x/sys/unix":          {"agent/capture", "agent/netns", "agent/hostif", "agent/datapath/ebpf", "sandbox", "bench", "test"},
}

func TestImportsFollowTheLayers(t *testing.T) {
	forEachFile(t, func(pkg, file string, imports []string) {
		if strings.HasSuffix(file, "_test.go") || pkg == "." {
			return
		}
		for _, imp := range imports {
			for lib, users := range kernelOnly {
				if (imp == lib || strings.HasPrefix(imp, lib+"/")) && !anyMatch(users, pkg) {
					t.Errorf("%s imports %s, which only %v may", file, imp, users)
				}
			}
			if !strings.HasPrefix(imp, module) {
				continue
			}
			if target := strings.TrimPrefix(imp, module); !allowed(t, pkg, target) {
				t.Errorf("%s: %s may not import %s", file, pkg, target)
			}
		}
	})
}

func allowed(t *testing.T, pkg, target string) bool {
	t.Helper()
	if anyMatch(leaves, pkg) {
		return false
	}
	if anyMatch(leaves, target) {
		return true
	}
	for _, row := range layers {
		if !match(row.pkg, pkg) {
			continue
		}
		for _, m := range row.may {
			if m == "*" || m == target || strings.HasPrefix(target, m+"/") {
				return true
			}
		}
		return false
	}
	t.Errorf("package %s is in no row of the table in layers_test.go", pkg)
	return true
}

// match reports whether the pattern of a table row covers pkg.
func match(pattern, pkg string) bool {
	if base, ok := strings.CutSuffix(pattern, "/..."); ok {
		return pkg == base || strings.HasPrefix(pkg, base+"/")
	}
	return pattern == pkg
}

func anyMatch(roots []string, pkg string) bool {
	for _, r := range roots {
		if pkg == r || strings.HasPrefix(pkg, r+"/") {
			return true
		}
	}
	return false
}

func forEachFile(t *testing.T, fn func(pkg, file string, imports []string)) {
	t.Helper()
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && p != "." || d.Name() == "testdata" || d.Name() == "var") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(p, ".go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), p, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		var imports []string
		for _, i := range f.Imports {
			s, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			imports = append(imports, s)
		}
		fn(path.Dir(filepath.ToSlash(p)), p, imports)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
