// Package plugin is the contract between the parts of the north: what the generic controller asks of a resource, and what it hands
// over.
//
// The controller (package api) knows resources only as data (package apidef) and through Resource. By the time a plugin is called,
// the body has been checked and converted by the attribute definitions, defaults are filled in, what the rules of package policy do
// not let the caller do has been refused, and values are typed. The plugin owns the rules that involve more than one attribute, other
// resources or the database, and the transaction. It returns errs.Error values with Neutron's exception class as Type.
package plugin

import (
	"context"
	"encoding/json"

	"midonet.org/midonet/neutron/auth"
)

// Resource is one collection of the API; T is its struct in package model. Calls are made by many goroutines at once.
type Resource[T any] interface {
	// Create makes all the items or none (bulk creates are atomic), and returns them complete, in order.
	Create(ctx context.Context, c *auth.Caller, items []Body[T]) ([]*T, error)
	// Get returns errs.NotFound where the resource does not exist or the caller may not see it.
	Get(ctx context.Context, c *auth.Caller, id string) (*T, error)
	// List returns what matches q among what the caller may see.
	List(ctx context.Context, c *auth.Caller, q Query) ([]*T, error)
	// Update changes the attributes that the body gives and returns the resource complete.
	Update(ctx context.Context, c *auth.Caller, id string, body Body[T]) (*T, error)
	Delete(ctx context.Context, c *auth.Caller, id string) error
}

// Action does what a path below a resource asks for that is no attribute of it: PUT /v2.0/routers/{id}/add_router_interface. The body
// is the request's JSON object, nil where it has none; the result is written as JSON with status 200. A result that is a
// pointer to the collection's own struct is written as its resource, {"router": {…}}, with what the caller sees. The caller may do it
// by the rule that has the action's name; the action refuses what depends on the body.
type Action func(ctx context.Context, c *auth.Caller, id string, body json.RawMessage) (any, error)

// Body is a request's resource: the values, and which of them the client gave. An attribute that is not in Given has its
// definition's default on create and means nothing on update.
type Body[T any] struct {
	Value T
	Given map[string]bool // by attribute name
}

// Has reports whether the client gave the attribute.
func (b Body[T]) Has(attr string) bool { return b.Given[attr] }

// Query is what a list is asked for, already checked against the definitions: every name is an attribute that may be used so.
type Query struct {
	Filters     []Filter
	Sort        []SortKey // ends with a key that makes the order total
	Limit       int       // 0: no limit
	Marker      string    // id after which the page begins; "" at the start. Unknown: errs.NotFound
	PageReverse bool
}

// Filter keeps resources whose attribute has one of the values. A value is in the text form of the query string, converted by the
// definition's converter (booleans are "True" or "False").
type Filter struct {
	Attr   string
	Values []string
}

// SortKey orders by an attribute.
type SortKey struct {
	Attr string
	Desc bool
}
