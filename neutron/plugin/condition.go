package plugin

import (
	"context"
	"sync/atomic"
)

// Condition is what a client makes a change depend on: that the resource still has the revision that it knows (extension
// revision-if-match). It travels with the request's context, as in Neutron, so that it holds inside the transaction of every resource
// without each of them asking: store.DB.Tx refuses the transaction where the revision is another.
type Condition struct {
	Collection, ID string
	Revision       int64

	met atomic.Bool // a transaction was committed under it, which has made the revision another
}

// Met says that a change under the condition is made. It no longer holds for what the same request does after that.
func (c *Condition) Met() { c.met.Store(true) }

// conditionKey is the key of contexts.
type conditionKey struct{}

// OnlyIf returns a context for a change under the condition.
func OnlyIf(ctx context.Context, c *Condition) context.Context {
	return context.WithValue(ctx, conditionKey{}, c)
}

// ConditionOf returns the condition that is still to be met, nil for none.
func ConditionOf(ctx context.Context) *Condition {
	c, ok := ctx.Value(conditionKey{}).(*Condition)
	if !ok || c.met.Load() {
		return nil
	}
	return c
}
