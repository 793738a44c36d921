// Package backend is what drains the journal: the one way from the Networking API to a network.
//
// A backend takes each task from journal.Reader, makes it so, and removes it. Which backend a server has is the operator's choice:
// backend/cluster is the MidoNet cluster in this process.
package backend

import (
	"context"
	"time"
)

// Backend drains one journal. Status may be called at any time, Run once.
type Backend interface {
	// Run drains the journal until ctx ends, and returns ctx's error. It waits out failures of the journal and of the network behind
	// it; any other error says why going on would do harm.
	Run(ctx context.Context) error
	// Status says how far the drain has come.
	Status() Status
}

// Status is what an operator asks of a backend.
type Status struct {
	Name       string    // of the backend: "cluster"
	Applied    uint64    // tasks applied since the journal began
	LastTaskID int64     // the highest number among them
	Failed     []Failure // tasks that cannot be applied, in order of number; they stay in the journal
	Problems   []string  // what cannot be stored as it should be, in words
	LastError  string    // why the backend is not draining at present; empty while it is
}

// Failure is a task that cannot be applied.
type Failure struct {
	TaskID   int64
	Resource string // data type and identifier
	Reason   string
	Tried    time.Time // last
}
