package api

import (
	"testing"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/apidef"
)

// FuzzQuery asks that a query string is read into something that a store can answer, or refused as the client's fault: filters of
// attributes that filter, each once by each of its names; an order that is total; a page within the bound.
func FuzzQuery(f *testing.F) {
	f.Add("limit=1&fields=id&sort_key=name&sort_dir=asc&name=%20&page_reverse=True", 1000)
	f.Add("sort_key=id&sort_key=id&sort_dir=desc&sort_dir=asc&marker=x&limit=0", 0)
	f.Add("tenant_id=a&project_id=b&fixed_ips=ip_address%3D10.0.0.1&limit=99999999999999999999", 1)
	f.Add("shared=&shared=True&=x&&%zz&tags=a,b&not-tags-any=c&changed_since=2026-01-01T00:00:00Z", 10)
	defs := []*apidef.Resource{apidef.Networks(), apidef.Subnets(), apidef.Ports()}
	f.Fuzz(func(t *testing.T, raw string, maxPage int) {
		q, err := parseQuery(raw)
		if err != nil {
			refusedAsInvalid(t, raw, err)
			return
		}
		for _, def := range defs {
			checkListQuery(t, def, q, raw, max(0, maxPage))
		}
	})
}

func checkListQuery(t *testing.T, def *apidef.Resource, q query, raw string, maxPage int) {
	list, err := q.listQuery(def, maxPage)
	if err != nil {
		refusedAsInvalid(t, raw, err)
		return
	}
	seen := map[string]int{}
	for _, filter := range list.Filters {
		seen[filter.Attr]++
		if seen[filter.Attr] > namesOf(def, filter.Attr) || len(filter.Values) == 0 {
			t.Errorf("%q: filters %+v", raw, list.Filters)
		}
	}
	total := false
	for _, key := range list.Sort {
		total = total || key.Attr == def.PrimaryKey()
	}
	if !total {
		t.Errorf("%q: the order %+v is not total", raw, list.Sort)
	}
	if list.Limit < 0 || maxPage > 0 && (list.Limit == 0 || list.Limit > maxPage) {
		t.Errorf("%q: a page of %d, of at most %d", raw, list.Limit, maxPage)
	}
}

// namesOf counts the names of an attribute, each of which may be a filter.
func namesOf(def *apidef.Resource, attr string) int {
	n := 0
	for i := range def.Attributes {
		if def.Canonical(def.Attributes[i].Name) == attr {
			n++
		}
	}
	return n
}

func refusedAsInvalid(t *testing.T, raw string, err error) {
	if !errs.Is(err, errs.Invalid) {
		t.Errorf("%q: %v", raw, err)
	}
}
