package api

import (
	"encoding/json"

	"midonet.org/midonet/cluster/nsdb/mirror"
	"midonet.org/midonet/errs"
)

// readInto reads a body into an object of package model, passing over what that does not know; what the body does not have stays as it is.
func readInto[T any](body []byte, object *T) (*T, error) {
	if err := json.Unmarshal(body, object); err != nil {
		return nil, invalid("The body cannot be read: %v", err)
	}
	return object, nil
}

// refuseQoS refuses a body that names a QoS policy. There are none here, so it is answered as one that is unknown, rather than stored
// and not obeyed.
func refuseQoS(body []byte) error {
	var named struct {
		Policy *string `json:"qos_policy_id"`
	}
	if err := json.Unmarshal(body, &named); err != nil {
		return invalid("The body cannot be read: %v", err)
	}
	if named.Policy != nil {
		return errs.New(errs.NotFound, "NotFound", "There is no QosPolicy with ID %s.", *named.Policy)
	}
	return nil
}

// byItself is the show of a collection whose bodies depend on the object alone.
func byItself[T any](show func(*T) any) func(*mirror.State) func(*T) (any, error) {
	return func(*mirror.State) func(*T) (any, error) {
		return func(object *T) (any, error) { return show(object), nil }
	}
}

// present returns a pointer to v, nil for the zero value, which JSON then writes as null.
func present[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// list returns all, never nil, which JSON would write as null.
func list[T any](all []T) []T {
	if all == nil {
		return []T{}
	}
	return all
}
