// Package leaks has a test program fail that leaves goroutines behind.
//
// goleak alone gives them half a second to end, in which a goroutine of a connection that has just been closed may not have had its turn on
// a machine that is busy.
package leaks

import (
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// patience is how long goroutines may take to end.
const patience = time.Minute

// Main runs the tests, waits until the goroutines that they began have ended, and exits. A package calls it in TestMain.
func Main(m *testing.M) {
	code := m.Run()
	if code == 0 {
		if err := await(patience); err != nil {
			fmt.Fprintf(os.Stderr, "goroutines are left %v after the tests: %v\n", patience, err)
			code = 1
		}
	}
	os.Exit(code)
}

// await waits until no goroutine is left, or returns what those do that are left after so long.
func await(long time.Duration) (left error) {
	for end := time.Now().Add(long); ; {
		if left = goleak.Find(); left == nil || time.Now().After(end) {
			return left
		}
	}
}
