package api

import (
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"midonet.org/midonet/cluster/nsdb/mirror"
	"midonet.org/midonet/cluster/operator"
	"midonet.org/midonet/id"
	"midonet.org/midonet/topology"
)

// This file is what all writes of the topology's resources share (resources/MidonetResource.scala).

// maxName is how long a name may be, in characters, and maxTenant a tenant's identifier.
const (
	maxName   = 255
	maxTenant = 255
)

// violations are what is wrong with a body's properties (models/ValidationError.java).
type violations []violation

type violation struct {
	Property string `json:"property"`
	Message  string `json:"message"`
}

// validationBody is the error body of violations.
type validationBody struct {
	errorBody
	Violations violations `json:"violations"`
}

const validationMessage = "Validation error(s) found"

func (v violations) Error() string { return fmt.Sprintf("%s: %v", validationMessage, []violation(v)) }

// add notes a violation where bad holds.
func (v *violations) add(bad bool, property, format string, args ...any) {
	if bad {
		*v = append(*v, violation{property, fmt.Sprintf(format, args...)})
	}
}

// size notes a text that is too short or too long, in characters.
func (v *violations) size(property, text string, least, most int) {
	n := utf8.RuneCountInString(text)
	v.add(n < least || n > most, property, "size must be between %d and %d", least, most)
}

// err returns the violations as an error, nil where there are none.
func (v violations) err() error {
	if len(v) == 0 {
		return nil
	}
	return v
}

func writeViolations(w http.ResponseWriter, v violations) {
	message := validationMessage
	writeJSON(w, http.StatusBadRequest, mediaError, validationBody{errorBody{&message, http.StatusBadRequest}, v})
}

// edit makes an edit of the topology and returns the answer to a creation, where location is the URI of what was made.
func (a *API) edit(c *call, location string, fn func(*operator.Edit) error) (reply, error) {
	if _, err := a.Operator.Edit(c.Context(), fn); err != nil {
		return reply{}, err
	}
	if location == "" {
		return reply{}, nil
	}
	return reply{status: http.StatusCreated, location: location}, nil
}

// delete removes the object that the path names.
func (a *API) delete(kind topology.Kind) func(*call) (reply, error) {
	return func(c *call) (reply, error) {
		named, err := c.named("id")
		if err != nil {
			return reply{}, err
		}
		return reply{}, a.Operator.Delete(c.Context(), topology.Key{Kind: kind, ID: named})
	}
}

// find returns the object that a part of the path names, which must be there.
func find[T topology.Object](c *call, kind topology.Kind, part string) (T, error) {
	named, err := c.named(part)
	if err != nil {
		return *new(T), err
	}
	o, ok := c.state.Get(topology.Key{Kind: kind, ID: named}).(T)
	if !ok {
		return o, operator.Missing(kind, named)
	}
	return o, nil
}

// ofTenant yields every object of the kind, or those of ?tenant_id.
func ofTenant[T topology.Object](c *call, kind topology.Kind, tenant func(T) string) []T {
	all, query := []T{}, c.URL.Query()
	for o := range c.state.ByKind(kind) {
		if t := o.(T); !query.Has("tenant_id") || tenant(t) == query.Get("tenant_id") {
			all = append(all, t)
		}
	}
	return all
}

// show applies a function to each.
func show[T, S any](all []T, one func(T) S) []S {
	shown := make([]S, 0, len(all))
	for _, x := range all {
		shown = append(shown, one(x))
	}
	return shown
}

// given returns what the client gave, and the zero value where it gave nothing.
func given[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// chosen returns the identifier that the client gave, or a new one.
func chosen[T any](p *id.ID[T]) id.ID[T] {
	if p == nil || p.IsZero() {
		return id.New[T]()
	}
	return *p
}

// up reads a state that is up where the client does not say.
func up(given *bool) bool { return given == nil || *given }

// puts are what bodies put on bridges, routers and ports alike.
type puts struct {
	InboundFilterID   *topology.ChainID   `json:"inboundFilterId"`
	OutboundFilterID  *topology.ChainID   `json:"outboundFilterId"`
	InboundMirrorIDs  []topology.MirrorID `json:"inboundMirrorIds"`
	OutboundMirrorIDs []topology.MirrorID `json:"outboundMirrorIds"`
}

func (p puts) put(o *topology.Overlay) {
	o.InChain, o.OutChain = given(p.InboundFilterID), given(p.OutboundFilterID)
	o.InMirrors, o.OutMirrors = some(p.InboundMirrorIDs), some(p.OutboundMirrorIDs)
}

// some returns the list, nil where it is empty.
func some[T any](all []T) []T {
	if len(all) == 0 {
		return nil
	}
	return all
}

// showPuts shows what is put on the target.
func showPuts(o *topology.Overlay) puts {
	return puts{InboundFilterID: present(o.InChain), OutboundFilterID: present(o.OutChain), InboundMirrorIDs: list(o.InMirrors),
		OutboundMirrorIDs: list(o.OutMirrors)}
}

// overlay returns what operators have put on the target.
func (c *call) overlay(target topology.Key) *topology.Overlay {
	o := mirror.Lookup[*topology.Overlay](c.state, topology.KindOverlay, target.ID)
	if o == nil || o.Target != target {
		return &topology.Overlay{}
	}
	return o
}

// maxPut is how many mirrors are put on one thing at most.
const maxPut = 32

// checkPut refuses more than there may be.
func checkPut(put operator.Put) error {
	var v violations
	var o topology.Overlay
	put(&o)
	for _, p := range []struct {
		property string
		n        int
	}{
		{"inboundMirrorIds", len(o.InMirrors)}, {"outboundMirrorIds", len(o.OutMirrors)},
		{"postInFilterMirrorIds", len(o.PostInMirrors)}, {"preOutFilterMirrorIds", len(o.PreOutMirrors)},
	} {
		v.add(p.n > maxPut, p.property, "size must be between 0 and %d", maxPut)
	}
	return v.err()
}

// editPut is edit where something is put on the target, and tells of what nothing obeys yet.
func (a *API) editPut(c *call, location string, target topology.Key, put operator.Put, fn func(*operator.Edit) error) (reply, error) {
	if err := checkPut(put); err != nil {
		return reply{}, err
	}
	answer, err := a.edit(c, location, fn)
	var o topology.Overlay
	if put(&o); err != nil {
		return answer, err
	}
	if unheeded := o.Unheeded(); len(unheeded) > 0 {
		a.unheeded(target, unheeded...)
	}
	return answer, nil
}

// chainURI is null for no chain.
func (c *call) chainURI(id topology.ChainID) *string { return c.link("/chains", id) }

// uriMAC is how a URI has a MAC address (ResourceUris.macToUri).
func uriMAC(hw string) string { return strings.ReplaceAll(hw, ":", "-") }
