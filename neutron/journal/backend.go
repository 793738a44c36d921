package journal

import "context"

// Backend is one that makes each change while the client who asked for it waits, as the original's REST client does (package
// backend/rest). Where there is none, changes are answered when they are committed, and made in their own time.
//
// Plugins call Ready before a change, Needs and Admit within its transaction, and Confirm when it is committed. The tasks that Confirm
// returns were refused: what they created is to be removed again, and what they changed has the status ERROR. Then their faults
// are forgotten (Journal.Forget); those that no one forgets, since a server died, are handed to whoever applies the journal.
type Backend interface {
	// Ready returns errs.Unavailable while the backend is known to be away, or so many clients wait for it that one more would do harm.
	Ready(ctx context.Context) error
	// Admit refuses a task for which the backend lacks something. It looks at the task alone and waits for nothing.
	Admit(t Task) error
	// Needs refuses what an extension of the API, such as router-interface-fip, asks of a backend that lacks it.
	Needs(extension string) error
	// Confirm waits until the backend has the committed tasks, has refused them, or is given up on; a deletion that was given up on stays
	// in the journal. It returns faults in order of the tasks, and an error where nothing can be said.
	Confirm(ctx context.Context, tasks []Task) ([]Fault, error)
}

// Fault is why the backend refused a task.
type Fault struct {
	Task    Task
	Status  int    // the backend's HTTP status; 503 where it did not answer
	Message string // the backend's
}
