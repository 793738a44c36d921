// Package journal is the list of changes that plugins hand to the backend: one task for each change of a resource, appended in
// the SQL transaction that makes the change, and drained in an order in which no resource's changes are swapped.
//
// The table is the original's midonet_tasks (networking-midonet midonet/neutron/db/task_db.py): id, type, data_type, data,
// resource_id, project_id, transaction_id, created_at.
//
// Order. Auto-increment numbers are handed out when a row is inserted, not when its transaction commits, so task 8 can become
// visible before task 7. A reader that remembers only the highest number it has seen would lose task 7. Two rules prevent that:
// a task is removed by its own number when it has been applied (there is no high-water mark to pass it), and a task is appended
// only after its transaction has written the resource's own row, so that the row lock orders the tasks of one resource by number.
// Tasks of different resources may arrive in either order; the renderer does not mind. In a Galera cluster, whose nodes number in
// steps of their own, the row takes the lock's place: a transaction that changes a row is certified only where it has seen the other's
// change, and with it the other's number, beyond which its node goes on counting.
package journal

import (
	"context"
	"encoding/json"
	"time"
)

// Type is what happened to the resource.
type Type string

// The task types of the original.
const (
	Create Type = "CREATE"
	Update Type = "UPDATE"
	Delete Type = "DELETE"
	Flush  Type = "FLUSH"
)

// DataType is which resource it happened to.
type DataType string

// The data types, by the original's names; ADDRESSGROUP, PORTFORWARDING and ROUTERINTERFACE it does not have.
const (
	Network DataType = "NETWORK"
	Subnet  DataType = "SUBNET"
	Port    DataType = "PORT"

	Router         DataType = "ROUTER"
	FloatingIP     DataType = "FLOATINGIP"
	PortForwarding DataType = "PORTFORWARDING"
	// RouterInterface is what a router gets or loses by an action on it: Data is the action's answer in both cases, ResourceID the port.
	// Only a MidoNet elsewhere is told (Backend); to all others the port's own tasks say it.
	RouterInterface DataType = "ROUTERINTERFACE"

	SecurityGroup     DataType = "SECURITYGROUP"
	SecurityGroupRule DataType = "SECURITYGROUPRULE"
	AddressGroup      DataType = "ADDRESSGROUP" // the original, whose backend knows none, has no such task
)

// Task is one change.
type Task struct {
	ID            int64 // assigned by the database
	Type          Type
	DataType      DataType
	ResourceID    string
	ProjectID     string
	TransactionID string          // the request id of the API call
	Data          json.RawMessage // the resource as the client will see it (neutron/model's JSON form); empty for Delete
	CreatedAt     time.Time       // UTC
}

// Reader is the drain's side of the journal. One process drains at a time, which store.DB.Alone sees to.
type Reader interface {
	// Identity names this journal among all: it is made when the database is, and never changes.
	Identity(ctx context.Context) (string, error)
	// Pending returns up to limit tasks that are visible and not yet done, in order of number.
	Pending(ctx context.Context, limit int) ([]Task, error)
	// Done removes tasks that have been applied to a store, which at names; the zero Mark: to something that is none. A task that is
	// already gone is no error.
	Done(ctx context.Context, ids []int64, at Mark) error
	// Mark returns which store has all tasks that are gone.
	Mark(ctx context.Context) (Mark, error)
	// SetMark says that a store has them, and everything else that Neutron has.
	SetMark(ctx context.Context, m Mark) error
	// Wait returns when tasks may be pending: at once after an append in this process, and in any case after a second, since another
	// process may have appended. It returns ctx's error when ctx ends.
	Wait(ctx context.Context) error
}
