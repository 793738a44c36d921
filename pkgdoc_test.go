package midonet

import (
	"go/parser"
	"go/token"
	"strings"
	"testing"
)

// TestEveryPackageSaysWhatItIs asks for exactly one package comment in each package: a reader who opens it learns first what it is
// for.
func TestEveryPackageSaysWhatItIs(t *testing.T) {
	docs := map[string][]string{}
	forEachFile(t, func(pkg, file string, _ []string) {
		if _, ok := docs[pkg]; !ok {
			docs[pkg] = nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		if f.Doc != nil && !strings.HasSuffix(file, "_test.go") {
			docs[pkg] = append(docs[pkg], file)
		}
	})
	delete(docs, ".")
	for pkg, files := range docs {
		if len(files) != 1 && !strings.HasPrefix(pkg, "test/") {
			t.Errorf("package %s has %d package comments %v, want 1", pkg, len(files), files)
		}
	}
}
