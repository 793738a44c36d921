package api

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
)

// networks is a plugin.Resource in memory: what the controller hands over can be read from it, and it hands back what a plugin would.
type networks struct {
	mu      sync.Mutex
	items   []*model.Network
	nextID  int
	queries []plugin.Query               // what List was asked
	bodies  []plugin.Body[model.Network] // what Create and Update were given
	callers []*auth.Caller               // of every call
	fail    func(op string) error        // what the next call fails with
}

func (n *networks) enter(op string, c *auth.Caller) error {
	n.callers = append(n.callers, c)
	if n.fail != nil {
		return n.fail(op)
	}
	return nil
}

func (n *networks) Create(_ context.Context, c *auth.Caller, items []plugin.Body[model.Network]) ([]*model.Network, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.enter("create", c); err != nil {
		return nil, err
	}
	var made []*model.Network
	for _, b := range items {
		n.bodies = append(n.bodies, b)
		v := b.Value
		n.nextID++
		v.ID = id.MustParse[model.Network](fmt.Sprintf("00000000-0000-4000-8000-%012d", n.nextID))
		v.Status, v.NetworkType = model.StatusActive, "midonet"
		v.CreatedAt = model.At(time.Date(2026, 11, 23, 6, 0, 0, 0, time.UTC))
		v.UpdatedAt, v.RevisionNumber = v.CreatedAt, 1
		made = append(made, &v)
	}
	n.items = append(n.items, made...)
	return made, nil
}

func (n *networks) find(id string) (int, error) {
	for i, v := range n.items {
		if v.ID.String() == id {
			return i, nil
		}
	}
	return 0, errs.New(errs.NotFound, "NetworkNotFound", "Network %s could not be found.", id)
}

func (n *networks) Get(_ context.Context, c *auth.Caller, id string) (*model.Network, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.enter("get", c); err != nil {
		return nil, err
	}
	i, err := n.find(id)
	if err != nil {
		return nil, err
	}
	return n.items[i], nil
}

func (n *networks) List(_ context.Context, c *auth.Caller, q plugin.Query) ([]*model.Network, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.queries = append(n.queries, q)
	if err := n.enter("list", c); err != nil {
		return nil, err
	}
	var out []*model.Network
	for _, v := range n.items {
		if matches(v, q.Filters) {
			out = append(out, v)
		}
	}
	slices.SortFunc(out, func(a, b *model.Network) int { return order(a, b, q.Sort) })
	return page(out, q), nil
}

func page(items []*model.Network, q plugin.Query) []*model.Network {
	if q.Limit == 0 {
		return items
	}
	if q.PageReverse {
		slices.Reverse(items)
	}
	if q.Marker != "" {
		at := slices.IndexFunc(items, func(v *model.Network) bool { return v.ID.String() == q.Marker })
		items = items[at+1:]
	}
	items = items[:min(q.Limit, len(items))]
	if q.PageReverse {
		slices.Reverse(items)
	}
	return items
}

func (n *networks) Update(_ context.Context, c *auth.Caller, id string, b plugin.Body[model.Network]) (*model.Network, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.enter("update", c); err != nil {
		return nil, err
	}
	n.bodies = append(n.bodies, b)
	i, err := n.find(id)
	if err != nil {
		return nil, err
	}
	if b.Has("name") {
		n.items[i].Name = b.Value.Name
	}
	return n.items[i], nil
}

func (n *networks) Delete(_ context.Context, c *auth.Caller, id string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.enter("delete", c); err != nil {
		return err
	}
	i, err := n.find(id)
	if err == nil {
		n.items = slices.Delete(n.items, i, i+1)
	}
	return err
}

// text is an attribute in the text form of filters.
func text(v *model.Network, attr string) string {
	enc := model.NewEncoder[model.Network](func(a string) bool { return a == attr })
	var object map[string]any
	if err := json.Unmarshal(enc.Append(nil, v), &object); err != nil {
		panic(err)
	}
	if b, ok := object[attr].(bool); ok {
		return strings.ToUpper(fmt.Sprint(b)[:1]) + fmt.Sprint(b)[1:]
	}
	return fmt.Sprint(object[attr])
}

func matches(v *model.Network, filters []plugin.Filter) bool {
	for _, f := range filters {
		if !slices.Contains(f.Values, text(v, f.Attr)) {
			return false
		}
	}
	return true
}

func order(a, b *model.Network, keys []plugin.SortKey) int {
	for _, k := range keys {
		c := cmp.Compare(text(a, k.Attr), text(b, k.Attr))
		if k.Desc {
			c = -c
		}
		if c != 0 {
			return c
		}
	}
	return 0
}
