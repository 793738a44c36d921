// Package recheck says whether everything that a server takes from its memory is compared with the database at once: in tests, where package
// storetest turns it on. So whoever changes a resource and forgets its stamp is found.
package recheck

import "sync/atomic"

// On is set before databases are opened. A difference is a defect of the program, and panics.
var On atomic.Bool

// Commits is how many of a database's first transactions each have all that there is read after them: what the next one changes is in the memory
// then, and is compared when that is done.
var Commits atomic.Int32
