package api

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"midonet.org/midonet/neutron/plugin"
)

func TestQueriesReachThePlugin(t *testing.T) {
	byID := plugin.SortKey{Attr: "id"}
	for query, want := range map[string]plugin.Query{
		"": {Sort: []plugin.SortKey{byID}},
		"name=a&name=b&admin_state_up=no&name=": {Sort: []plugin.SortKey{byID}, Filters: []plugin.Filter{
			{Attr: "name", Values: []string{"a", "b", ""}}, {Attr: "admin_state_up", Values: []string{"False"}}}},
		"tenant_id=x&project_id=y": {Sort: []plugin.SortKey{byID}, Filters: []plugin.Filter{
			{Attr: "project_id", Values: []string{"x"}}, {Attr: "project_id", Values: []string{"y"}}}},
		"tenant_id=x&tenant_id=y&page_reverse=True": {Sort: []plugin.SortKey{{Attr: "id", Desc: true}}, Filters: []plugin.Filter{
			{Attr: "project_id", Values: []string{"x", "y"}}}},
		"name=a%20b%26c+d": {Sort: []plugin.SortKey{byID}, Filters: []plugin.Filter{{Attr: "name", Values: []string{"a b&c d"}}}},
		// As webob reads them: what is no number after % stands for itself, one digit and a space are one, and ; ends a parameter as & does.
		"name=%zz&name=%&name=%4&name=%a%20;name=%c3%a9%4": {Sort: []plugin.SortKey{byID}, Filters: []plugin.Filter{
			{Attr: "name", Values: []string{"%zz", "%", "\x04", "\n ", "é\x04"}}}},
		"sort_key=name&sort_dir=desc&sort_key=tenant_id&sort_dir=asc": {Sort: []plugin.SortKey{
			{Attr: "name", Desc: true}, {Attr: "project_id"}, byID}},
		"sort_key=id&sort_dir=desc":          {Sort: []plugin.SortKey{{Attr: "id", Desc: true}}},
		"limit=2&marker=m&page_reverse=true": {Sort: []plugin.SortKey{byID}, Limit: 2, Marker: "m", PageReverse: true},
		"limit=0&marker=m":                   {Sort: []plugin.SortKey{byID}},
		"changed_since=2026-11-23T09:00:00%2B02:00&changed_since=2026-11-23T09:00:00.5Z&changed_since=2026-11-23": {
			Sort: []plugin.SortKey{byID}, Filters: []plugin.Filter{{Attr: "changed_since",
				Values: []string{"2026-11-23T07:00:00Z", "2026-11-23T09:00:01Z", "2026-11-23T00:00:00Z"}}}},
	} {
		s, n := newServer(t)
		if w := do(t, s, "GET", "/v2.0/networks?"+query, ""); w.Code != 200 || len(n.queries) != 1 {
			t.Errorf("%s: %d %s", query, w.Code, w.Body)
			continue
		}
		if diff := cmp.Diff(want, n.queries[0]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
}

func TestQueriesThatAreRefused(t *testing.T) {
	s, n := newServer(t)
	for query, want := range map[string]string{
		"colour=blue": neutronError("HTTPBadRequest", "['colour'] is invalid attribute for filtering"),
		"b=1&a=2&b=3": neutronError("HTTPBadRequest", "['b', 'a'] is invalid attribute for filtering"),
		"subnets=x":   neutronError("HTTPBadRequest", "['subnets'] is invalid attribute for filtering"),
		"changed_since=x": neutronError("InvalidInput",
			"Invalid input for operation: The input changed_since must be in the following format: YYYY-MM-DDTHH:MM:SSZ."),
		"shared=maybe":                 neutronError("InvalidInput", "Invalid input for operation: 'maybe' cannot be converted to boolean."),
		"mtu=x":                        neutronError("InvalidInput", "Invalid input for operation: 'x' is not an integer."),
		"limit=-1":                     neutronError("BadRequest", "Bad limit request: Limit must be an integer 0 or greater and not '-1'."),
		"limit=many":                   neutronError("BadRequest", "Bad limit request: Limit must be an integer 0 or greater and not 'many'."),
		"limit=":                       neutronError("BadRequest", "Bad limit request: Limit must be an integer 0 or greater and not ''."),
		"sort_key=name":                neutronError("HTTPBadRequest", "The number of sort_keys and sort_dirs must be same"),
		"sort_key=colour&sort_dir=asc": neutronError("HTTPBadRequest", "['colour'] is invalid attribute for sort_keys"),
		"sort_key=shared&sort_dir=asc": neutronError("HTTPBadRequest", "['shared'] is invalid attribute for sort_keys"),
		"sort_key=name&sort_dir=up": neutronError("HTTPBadRequest",
			"['up'] is invalid value for sort_dirs, valid value is 'asc' and 'desc'"),
		"name=%ff": neutronError("HTTPBadRequest", notAllowedText),
		"%ff=a":    neutronError("HTTPBadRequest", notAllowedText),
		"name=a;b": neutronError("HTTPBadRequest", "['b'] is invalid attribute for filtering"),
	} {
		wantAnswer(t, s, "GET", "/v2.0/networks?"+query, "", 400, want)
	}
	if len(n.queries) > 0 {
		t.Error("a refused query reached the plugin")
	}
}

// TestPages walks through a list in both directions by the links alone, as clients do.
func TestPages(t *testing.T) {
	s, _ := newServer(t)
	for i := range 4 {
		do(t, s, "POST", "/v2.0/networks", fmt.Sprintf(`{"network":{"name":"n%d"}}`, i+1))
	}
	id := func(i int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", i) }
	const base = "http://controller:9696/v2.0/networks?limit=2&fields=name&fields=id"
	next := func(i int) string { return `{"rel":"next","href":"` + base + "&marker=" + id(i) + `"}` }
	previous := func(i int) string {
		return `{"rel":"previous","href":"` + base + "&marker=" + id(i) + "&page_reverse=True" + `"}`
	}
	page := func(items []int, links string) string {
		list := ""
		for _, i := range items {
			if list != "" {
				list += ","
			}
			list += fmt.Sprintf(`{"id":"%s","name":"n%d"}`, id(i), i)
		}
		return `{"networks":[` + list + `],"networks_links":[` + links + `]}`
	}
	const query = "/v2.0/networks?limit=2&fields=name&fields=id"
	wantAnswer(t, s, "GET", query, "", 200, page([]int{1, 2}, next(2)+","+previous(1)))
	wantAnswer(t, s, "GET", query+"&marker="+id(2), "", 200, page([]int{3, 4}, next(4)+","+previous(3)))
	wantAnswer(t, s, "GET", query+"&marker="+id(3), "", 200, page([]int{4}, previous(4)))
	wantAnswer(t, s, "GET", query+"&marker="+id(4), "", 200, `{"networks":[],"networks_links":[{"rel":"previous","href":"`+
		base+"&page_reverse=True"+`"}]}`)
	wantAnswer(t, s, "GET", query+"&marker="+id(4)+"&page_reverse=True", "", 200, page([]int{2, 3}, next(3)+","+previous(2)))
	wantAnswer(t, s, "GET", query+"&page_reverse=True&marker="+id(2), "", 200, page([]int{1}, next(1)))
}

func TestPagesAreNoLongerThanConfigured(t *testing.T) {
	s, n := newServer(t, func(c *Config) { c.MaxPage = 10 })
	for query, want := range map[string]int{"": 10, "?limit=0": 10, "?limit=5": 5, "?limit=11": 10, "?limit=%20%2B0_5": 5,
		"?limit=99999999999999999999": 10} {
		do(t, s, "GET", "/v2.0/networks"+query, "")
		if got := n.queries[len(n.queries)-1].Limit; got != want {
			t.Errorf("%q asks for %d", query, got)
		}
	}
}
