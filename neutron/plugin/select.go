package plugin

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"slices"

	"midonet.org/midonet/neutron/apidef"
	"midonet.org/midonet/neutron/model"
)

// ErrUnknownMarker says that a page is to begin behind what is not in the list.
var ErrUnknownMarker = errors.New("the marker is not in the list")

// Select answers a list request from items in memory, for collections that are short and in no database. Values are compared by their
// text, and markers with the attribute key.
func Select[T any](items []*T, q Query, key string) ([]*T, error) {
	var out []*T
	for _, item := range items {
		if matches(item, q.Filters) {
			out = append(out, item)
		}
	}
	slices.SortStableFunc(out, func(a, b *T) int { return compare(a, b, q.Sort) })
	if q.PageReverse {
		slices.Reverse(out)
	}
	if q.Marker != "" {
		at := slices.IndexFunc(out, func(item *T) bool { return textOf(item, key) == q.Marker })
		if at < 0 {
			return nil, ErrUnknownMarker
		}
		out = out[at+1:]
	}
	if q.Limit > 0 {
		out = out[:min(q.Limit, len(out))]
	}
	if q.PageReverse {
		slices.Reverse(out)
	}
	return out, nil
}

func matches[T any](item *T, filters []Filter) bool {
	for _, f := range filters {
		if !slices.Contains(f.Values, textOf(item, f.Attr)) {
			return false
		}
	}
	return true
}

func compare[T any](a, b *T, keys []SortKey) int {
	for _, k := range keys {
		order := cmp.Compare(textOf(a, k.Attr), textOf(b, k.Attr))
		if order != 0 && k.Desc {
			return -order
		}
		if order != 0 {
			return order
		}
	}
	return 0
}

// textOf is an attribute in the form in which filters have it.
func textOf[T any](item *T, attr string) string {
	raw, _ := model.AppendAttribute(nil, item, attr)
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil { // only if a type of ours wrote something that is not JSON
		panic(err)
	}
	return apidef.Text(v)
}
