package api

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"midonet.org/midonet/cluster/operator"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/id"
	"midonet.org/midonet/topology"
)

// stored is a resource whose every object operators make, and how it is served (resources/MidonetResource.scala): D is its document, O the
// object that it stands for. Package topology says what an object names and goes with.
//
// No packet is changed by any of these objects yet, which the log says of each that is written: an operator who turns on BGP is to know that
// no route is announced.
type stored[O operator.Made, D any] struct {
	kind  topology.Kind
	path  string // of the collection: "/bgp_peers"
	media string // the type of one: "BgpPeer-v1"
	can   verbs  // what it can beside being read and deleted one by one
	in    []within[D]

	show func(*call, O) D
	// read returns the object of a document, whose identifier is given; have is what it is at present, nil for a new one.
	read func(c *call, v *violations, d *D, have O) (O, error)
	has  func(*call, O) bool                     // whether a list has it, as the query says; nil: all
	also func(e *operator.Edit, d *D, o O) error // what is written with it; nil: nothing
}

// verbs are what can be done with a resource.
type verbs uint8

const (
	canList   verbs = 1 << iota // all of it
	canCreate                   // without saying in the path where
	canUpdate
	forgives // a deletion of what is not there
)

// within is a part of a resource: those of its objects that name another object.
type within[D any] struct {
	path string                  // "/routers/{id}/bgp_peers", which names the other object
	of   topology.Kind           // of that
	join func(d *D, to [16]byte) // has the document name it; nil: none is made there
}

// entity is what every document of a stored resource begins with (models/UriResource.java).
type entity[T any] struct {
	ID  *id.ID[T] `json:"id"`
	URI *string   `json:"uri"`
}

// identify gives the document the identifier, and where that is zero its own, or a new one.
func (e *entity[T]) identify(as [16]byte) {
	if as == [16]byte{} {
		as = chosen(e.ID)
	}
	e.ID = new(id.ID[T](as))
}

func (r *stored[O, D]) one() []string {
	return []string{"application/vnd.org.midonet." + r.media + "+json", mediaJSON}
}

func (r *stored[O, D]) many() []string {
	return []string{"application/vnd.org.midonet.collection." + r.media + "+json", mediaJSON}
}

// routes registers the paths of the resource.
func (r *stored[O, D]) routes(a *API) {
	var all []endpoint
	if r.can&canList != 0 {
		all = append(all, endpoint{http.MethodGet, nil, r.many(), r.list})
	}
	if r.can&canCreate != 0 {
		all = append(all, endpoint{http.MethodPost, r.one(), nil, func(c *call) (reply, error) { return r.create(a, c, nil) }})
	}
	if len(all) > 0 {
		a.serve(r.path, all...)
	}
	one := []endpoint{{http.MethodGet, nil, r.one(), r.get}, {http.MethodDelete, nil, nil, func(c *call) (reply, error) { return r.delete(a, c) }}}
	if r.can&canUpdate != 0 {
		one = append(one, endpoint{http.MethodPut, r.one(), nil, func(c *call) (reply, error) { return r.update(a, c) }})
	}
	a.serve(r.path+"/{id}", one...)
	for _, in := range r.in {
		some := []endpoint{{http.MethodGet, nil, r.many(), func(c *call) (reply, error) { return r.listIn(c, in) }}}
		if in.join != nil {
			some = append(some, endpoint{http.MethodPost, r.one(), nil, func(c *call) (reply, error) { return r.create(a, c, &in) }})
		}
		a.serve(in.path, some...)
	}
}

func (r *stored[O, D]) uri(c *call, id [16]byte) string {
	return c.base + r.path + "/" + objectID(id).String()
}

func (r *stored[O, D]) list(c *call) (reply, error) {
	var some []O
	for o := range c.state.ByKind(r.kind) {
		if r.has == nil || r.has(c, o.(O)) {
			some = append(some, o.(O))
		}
	}
	return reply{body: show(some, func(o O) D { return r.show(c, o) })}, nil
}

func (r *stored[O, D]) listIn(c *call, in within[D]) (reply, error) {
	other, err := find[topology.Object](c, in.of, "id")
	if err != nil {
		return reply{}, err
	}
	return reply{body: show(r.naming(c, other.Key()), func(o O) D { return r.show(c, o) })}, nil
}

// naming returns the objects that name another one.
func (r *stored[O, D]) naming(c *call, to topology.Key) []O {
	var some []O
	for o := range c.state.Referring(r.kind, to) {
		some = append(some, o.(O))
	}
	return some
}

func (r *stored[O, D]) get(c *call) (reply, error) {
	o, err := find[O](c, r.kind, "id")
	if err != nil {
		return reply{}, err
	}
	return reply{body: r.show(c, o)}, nil
}

// create makes an object of the body, in a collection or in none.
func (r *stored[O, D]) create(a *API, c *call, in *within[D]) (reply, error) {
	var d D
	if err := c.decode(&d); err != nil {
		return reply{}, err
	}
	any(&d).(interface{ identify([16]byte) }).identify([16]byte{})
	if in != nil {
		other, err := find[topology.Object](c, in.of, "id")
		if err != nil {
			return reply{}, err
		}
		in.join(&d, other.Key().ID)
	}
	return r.write(a, c, &d, *new(O), (*operator.Edit).Create)
}

// update puts the body in the place of the object that the path names.
func (r *stored[O, D]) update(a *API, c *call) (reply, error) {
	have, err := find[O](c, r.kind, "id")
	if err != nil {
		return reply{}, err
	}
	var d D
	if err := c.decode(&d); err != nil {
		return reply{}, err
	}
	any(&d).(interface{ identify([16]byte) }).identify(have.Key().ID)
	return r.write(a, c, &d, have, (*operator.Edit).Replace)
}

func (r *stored[O, D]) write(a *API, c *call, d *D, have O, put func(*operator.Edit, operator.Made) error) (reply, error) {
	var v violations
	o, err := r.read(c, &v, d, have)
	if err := cmp.Or(v.err(), err); err != nil {
		return reply{}, err
	}
	location := ""
	if topology.Object(have) == topology.Object(*new(O)) {
		location = r.uri(c, o.Key().ID)
	}
	answer, err := a.edit(c, location, func(e *operator.Edit) error {
		if err := put(e, o); err != nil || r.also == nil {
			return err
		}
		return r.also(e, d, o)
	})
	if err == nil {
		a.unheeded(o.Key())
	}
	return answer, err
}

func (r *stored[O, D]) delete(a *API, c *call) (reply, error) {
	answer, err := a.delete(r.kind)(c)
	if r.can&forgives != 0 && errs.Is(err, errs.NotFound) {
		return reply{}, nil
	}
	return answer, err
}

// unheeded tells the operator that what was written is only kept.
func (a *API) unheeded(k topology.Key, properties ...string) {
	a.Log.Warn("stored over the MidoNet API, and obeyed by no part of this MidoNet yet: no packet is changed by it", "object", k,
		"properties", strings.Join(properties, " "))
}

// link is the URI of an object below a collection; null for none.
func (c *call) link(collection string, to [16]byte) *string {
	if to == [16]byte{} {
		return nil
	}
	return new(c.base + collection + "/" + objectID(to).String())
}

// required notes that a property is not there.
func required[T any](v *violations, property string, given *T) (value T) {
	v.add(given == nil, property, "may not be null")
	if given != nil {
		value = *given
	}
	return value
}

// enum reads a word that is one of some; an empty one is the first of them.
func (v *violations) enum(property string, word *string, words ...string) string {
	if given(word) == "" {
		return words[0]
	}
	v.add(!slices.Contains(words, *word), property, "Must be one of %s.", strings.Join(words, ", "))
	return *word
}
