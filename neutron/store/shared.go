package store

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/huandu/go-sqlbuilder"

	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/store/recheck"
)

// Shared reads resources of one kind for requests that only look at them, and shares what it has read among them. The database is asked each
// time, and for less: which resources there are to see, in what order, and in which version each is. Those that are known in that version come
// from memory; the others are read. A version is a number that any change of what a resource shows makes another one, wherever the change
// was made (see stamp.go), so what any server has committed is in the next answer.
//
// A transaction that changes something reads by the functions that take a Querier, which know of no memory.
type Shared[T any] struct {
	table    *table[T]
	finished string
	finish   func(*T)
}

// The resources that are shared.
var (
	Networks           = Shared[model.Network]{table: &networks}
	Subnets            = Shared[model.Subnet]{table: &subnets}
	Ports              = Shared[model.Port]{table: &ports}
	SubnetPools        = Shared[model.SubnetPool]{table: &subnetPools}
	Routers            = Shared[model.Router]{table: &routers}
	FloatingIPs        = Shared[model.FloatingIP]{table: &floatingIPs}
	SecurityGroups     = Shared[model.SecurityGroup]{table: &securityGroups}
	SecurityGroupRules = Shared[model.SecurityGroupRule]{table: &securityGroupRules}
	AddressGroups      = Shared[model.AddressGroup]{table: &addressGroups}
)

// Finished returns a reader of resources that finish completes by what is in no row. What it adds follows from the rows and from by, such as
// the name and value of an option.
func (s Shared[T]) Finished(by string, finish func(*T)) Shared[T] {
	return Shared[T]{s.table, by, finish}
}

// Get returns the resource with the identifier, or ErrNotFound where there is none that scope sees. One that is known is asked for together with
// the others that requests look at meanwhile.
func (s Shared[T]) Get(ctx context.Context, db *DB, id string, scope Scope) (*model.Sealed[T], error) {
	if !db.cache.known(s.key(id)) {
		return looked(ctx, db, time.Now(), func(q Querier) (*model.Sealed[T], error) { return s.get(q, db.cache, id, scope) })
	}
	all, err := askTogether(ctx, &db.rounds, s.lane(scope, ""), id,
		func(ctx context.Context, since time.Time, ids []string) (map[string]*model.Sealed[T], error) {
			return looked(ctx, db, since, func(q Querier) (map[string]*model.Sealed[T], error) { return s.among(q, db.cache, ids, scope) })
		})
	if err != nil {
		return nil, err
	}
	item, ok := all[id]
	if !ok {
		return nil, ErrNotFound
	}
	return item, nil
}

// List answers a list request, together with others for the same list. They share the slice too, which nobody changes. What is wanted is in UTF-8,
// so that no two have the same JSON.
func (s Shared[T]) List(ctx context.Context, db *DB, scope Scope, want plugin.Query) ([]*model.Sealed[T], error) {
	same, err := json.Marshal(want)
	if err != nil {
		return nil, err
	}
	ask := func(q Querier) ([]*model.Sealed[T], error) {
		items, err := s.list(q, db.cache, scope, want)
		if err == nil && recheck.On.Load() {
			s.recheck(q, fmt.Sprintf("list %+v", want), items, func() ([]*T, error) { return s.table.list(q, scope, want) })
		}
		return items, err
	}
	return askTogether(ctx, &db.rounds, s.lane(scope, string(same)), "",
		func(ctx context.Context, since time.Time, _ []string) ([]*model.Sealed[T], error) {
			return looked(ctx, db, since, ask)
		})
}

// lookAtAll lists some of all that is shared, for the rechecks that come with it. What cannot be read is for others to find.
func (db *DB) lookAtAll(ctx context.Context) {
	want, all := plugin.Query{Limit: 100}, Scope{}
	for _, list := range []func(){
		func() { Networks.List(ctx, db, all, want) },
		func() { Subnets.List(ctx, db, all, want) },
		func() { Ports.List(ctx, db, all, want) },
		func() { SubnetPools.List(ctx, db, all, want) },
		func() { Routers.List(ctx, db, all, want) },
		func() { FloatingIPs.List(ctx, db, all, want) },
		func() { SecurityGroups.List(ctx, db, all, want) },
		func() { SecurityGroupRules.List(ctx, db, all, want) },
		func() { AddressGroups.List(ctx, db, all, want) },
	} {
		list()
	}
}

// looked runs fn without a snapshot, which it does not need, unless it is to be compared with what is read afterwards. since is as in DB.reading.
func looked[R any](ctx context.Context, db *DB, since time.Time, fn func(Querier) (R, error)) (R, error) {
	way := db.present
	if recheck.On.Load() {
		way = db.snapshot
	}
	return found(ctx, func(ctx context.Context, fn func(Querier) error) error { return db.reading(ctx, since, way, fn) }, fn)
}

// seen is a resource that a request is to see.
type seen struct {
	id      string
	version int64
	shared  int // 1: with the project that asks; 0
}

// get reads a resource that is not known.
func (s Shared[T]) get(q Querier, c *cache, id string, scope Scope) (*model.Sealed[T], error) {
	b := q.dialect().Flavor().NewSelectBuilder()
	b.From(s.table.from).Where(b.Equal("t.id", id))
	s.table.restrict(b, scope)
	items, err := s.read(q, c, b, scope, nil)
	if err == nil && len(items) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return items[0].item, nil
}

// among returns those of the resources that there are for scope, by their identifiers.
func (s Shared[T]) among(q Querier, c *cache, ids []string, scope Scope) (map[string]*model.Sealed[T], error) {
	found, items, err := s.settled(q, c, scope, func() (*sqlbuilder.SelectBuilder, error) {
		b := q.dialect().Flavor().NewSelectBuilder()
		b.From(s.table.from).Where(b.In("t.id", padded(ids)...))
		s.table.restrict(b, scope)
		return b, nil
	})
	if err != nil {
		return nil, err
	}
	all := make(map[string]*model.Sealed[T], len(items))
	for i, item := range items {
		all[found[i].id] = item
		if recheck.On.Load() {
			s.recheck(q, "get "+found[i].id, []*model.Sealed[T]{item}, func() ([]*T, error) {
				fresh, err := s.table.get(q, found[i].id, scope)
				return []*T{fresh}, err
			})
		}
	}
	return all, nil
}

func (s Shared[T]) list(q Querier, c *cache, scope Scope, want plugin.Query) ([]*model.Sealed[T], error) {
	_, items, err := s.settled(q, c, scope, func() (*sqlbuilder.SelectBuilder, error) {
		return s.table.chosen(q, scope, want)
	})
	if want.PageReverse {
		slices.Reverse(items)
	}
	return items, err
}

// attempts to make a list of one state of the database from two statements.
const listAttempts = 3

// settled returns the resources of a query without columns, which choose makes. The answer is made of two statements, the second of which reads
// what is not known, unless there is nothing. A resource that has another version by then is of a later state than the others, and it is begun
// again. Where that goes on, one statement reads all.
func (s Shared[T]) settled(q Querier, c *cache, scope Scope,
	choose func() (*sqlbuilder.SelectBuilder, error)) (found []seen, items []*model.Sealed[T], err error) {
	for range listAttempts {
		b, err := choose()
		if err != nil {
			return nil, nil, err
		}
		if found, err = s.versions(q, b, scope); err != nil {
			return nil, nil, err
		}
		items, missing := s.known(c, found)
		if len(missing) > 0 {
			if err := s.fill(q, c, scope, found, items, missing); err != nil {
				return nil, nil, err
			}
		}
		if !slices.Contains(items, nil) {
			return found, items, nil
		}
	}
	b, err := choose()
	if err != nil {
		return nil, nil, err
	}
	read, err := s.read(q, c, b, scope, nil)
	found = found[:0]
	for _, r := range read {
		found, items = append(found, seen{id: r.id, version: r.version}), append(items, r.item)
	}
	return found, items, err
}

// versions asks which of the resources that were chosen there are.
func (s Shared[T]) versions(q Querier, b *sqlbuilder.SelectBuilder, scope Scope) ([]seen, error) {
	t := s.table
	b.Select("t.id", t.versionOf())
	one := seen{}
	targets := []any{&one.id, &one.version}
	if t.shared != nil {
		b.SelectMore(sharedWith(b, t.sharingColumn(), scope.Project)) // not policiesSharing, which would look for each row's
		targets = append(targets, &one.shared)
	}
	query, args := b.Build()
	rows, err := q.Query(query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []seen
	for rows.Next() {
		if err := rows.Scan(targets...); err != nil {
			return nil, err
		}
		found = append(found, one)
	}
	return found, rows.Err()
}

func (s Shared[T]) lane(scope Scope, list string) laneKey { return laneKey{s.key(""), scope, list} }

func (s Shared[T]) key(id string) cacheKey { return cacheKey{s.table, s.finished, id} }

// known returns the resources in their order, nil for each that is not known in its version, and the places of those.
func (s Shared[T]) known(c *cache, found []seen) (items []*model.Sealed[T], missing []int) {
	items = make([]*model.Sealed[T], len(found))
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, f := range found {
		if known := c.find(s.key(f.id)); known != nil && known.version == f.version && known.items[f.shared] != nil {
			items[i] = known.items[f.shared].(*model.Sealed[T])
			continue
		}
		missing = append(missing, i)
	}
	c.hits += uint64(len(found) - len(missing))
	return items, missing
}

// atOnce are how many identifiers a statement names. There are few such numbers, since each makes another statement to be compiled.
var atOnce = []int{1, 8, 64, 512}

// padded returns identifiers, some of which come more than once, so that they are as many as one of atOnce.
func padded[ID any](ids []ID) []any {
	size := atOnce[slices.IndexFunc(atOnce, func(n int) bool { return n >= len(ids) })]
	all := make([]any, size)
	for i := range all {
		all[i] = ids[min(i, len(ids)-1)]
	}
	return all
}

// fill reads the missing resources and puts those into their places that still have the version which was found.
func (s Shared[T]) fill(q Querier, c *cache, scope Scope, found []seen, items []*model.Sealed[T], missing []int) error {
	for part := range slices.Chunk(missing, atOnce[len(atOnce)-1]) {
		places := make(map[string]int, len(part))
		ids := make([]string, len(part))
		for n, i := range part {
			ids[n] = found[i].id
			places[ids[n]] = i
		}
		b := q.dialect().Flavor().NewSelectBuilder()
		b.From(s.table.from).Where(b.In("t.id", padded(ids)...))
		read, err := s.read(q, c, b, scope, func(id string) int { return found[places[id]].shared })
		if err != nil {
			return err
		}
		for _, r := range read {
			if i := places[r.id]; r.version == found[i].version {
				items[i] = r.item
			}
		}
	}
	return nil
}

// read is a resource that has been read.
type read[T any] struct {
	id      string
	version int64
	item    *model.Sealed[T]
}

// read reads the resources that were chosen, and remembers them. With shared, whether one is shared is not as it is now.
func (s Shared[T]) read(q Querier, c *cache, b *sqlbuilder.SelectBuilder, scope Scope, shared func(id string) int) ([]read[T], error) {
	t := s.table
	t.pack(q, b, scope)
	one, octets := read[T]{}, 0
	b.SelectMore("t.id", t.versionOf())
	unpack := t.unpacking(&octets, &one.id, &one.version)
	query, args := b.Build()
	all, err := collect(q, func(r row) (*read[T], error) {
		value, err := unpack(r)
		if err != nil {
			return nil, err
		}
		with := 0
		if t.shared != nil {
			if shared != nil {
				*t.shared(value) = shared(one.id) > 0
			}
			if *t.shared(value) {
				with = 1
			}
		}
		if s.finish != nil {
			s.finish(value)
		}
		made := one
		made.item = c.put(s.key(one.id), one.version, with, s.size()+octets, func(known *cached) any {
			return model.Seal(value, known)
		}).(*model.Sealed[T])
		return &made, nil
	}, query, args...)
	out := make([]read[T], len(all))
	for i, r := range all {
		out[i] = *r
	}
	return out, err
}

// size is about how many octets a resource and what is kept with it take up beside its texts.
func (s Shared[T]) size() int { return int(reflect.TypeFor[T]().Size()) + 400 }

// recheck panics where what came from memory is not what is in the database.
func (s Shared[T]) recheck(q Querier, what string, items []*model.Sealed[T], fresh func() ([]*T, error)) {
	want, err := fresh()
	if err != nil {
		return // so would have those from memory
	}
	if len(items) != len(want) {
		panic(fmt.Sprintf("store: %s of %s: %d from memory, %d in the database", what, s.table.from, len(items), len(want)))
	}
	for i, item := range items {
		if s.finish != nil {
			s.finish(want[i])
		}
		if have := item.Copy(); !reflect.DeepEqual(have, want[i]) {
			panic(fmt.Sprintf("store: %s of %s:\n  from memory     %+v\n  in the database %+v", what, s.table.from, have, want[i]))
		}
	}
}
