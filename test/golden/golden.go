// Package golden holds generated files to what they are generated from. A test calls Check; with -update the file is written anew,
// and the difference is to be read before it is committed.
package golden

import (
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the files anew that this test compares with")

// Check fails the test where the file's text is not want.
func Check(t *testing.T, file, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("%s is not what it is made from (-wanted +there); go test with -update writes it\n%s", file, diff)
	}
}
