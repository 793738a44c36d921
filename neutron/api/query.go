package api

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"midonet.org/midonet/neutron/apidef"
	"midonet.org/midonet/neutron/plugin"
)

// query is a query string in the order in which the client wrote it, which the links to other pages keep.
type query []parameter

type parameter struct{ key, value string }

// notFilters are the parameters that steer a list.
var notFilters = []string{"fields", "sort_key", "sort_dir", "limit", "marker", "page_reverse"}

// parseQuery reads a query string as webob does (webob/compat.py, parse_qsl_text): parameters end with & or ;, + is a space, and a
// % that two hexadecimal digits do not follow stands for itself. What is no UTF-8 then is refused.
func parseQuery(raw string) (query, error) {
	var q query
	for pair := range strings.FieldsFuncSeq(strings.ReplaceAll(raw, "+", " "), func(r rune) bool { return r == '&' || r == ';' }) {
		k, v, _ := strings.Cut(pair, "=")
		key, value := unescape(k), unescape(v)
		if !utf8.ValidString(key) || !utf8.ValidString(value) {
			return nil, badRequest(notAllowedText)
		}
		q = append(q, parameter{key, value})
	}
	return q, nil
}

// unescape puts octets in place of %XX. As in Python's int(), one digit and a space are a number too, and so is one digit at the end.
func unescape(s string) string {
	text, rest, found := strings.Cut(s, "%")
	if !found {
		return s
	}
	out := []byte(text)
	for part := range strings.SplitSeq(rest, "%") {
		digits := part[:min(2, len(part))]
		octet, err := strconv.ParseUint(strings.TrimSpace(digits), 16, 8)
		if err != nil {
			out = append(append(out, '%'), part...)
			continue
		}
		out = append(append(out, byte(octet)), part[len(digits):]...)
	}
	return string(out)
}

// all returns the values of a parameter that are not empty.
func (q query) all(key string) []string {
	var values []string
	for _, p := range q {
		if p.key == key && p.value != "" {
			values = append(values, p.value)
		}
	}
	return values
}

// last returns the last value of a parameter, and whether there is one.
func (q query) last(key string) (string, bool) {
	for _, p := range slices.Backward(q) {
		if p.key == key {
			return p.value, true
		}
	}
	return "", false
}

// listQuery checks the parameters of a list against the definition.
func (q query) listQuery(def *apidef.Resource, maxPage int) (plugin.Query, error) {
	filters, err := q.filters(def)
	if err != nil {
		return plugin.Query{}, err
	}
	sort, err := q.sortKeys(def)
	if err != nil {
		return plugin.Query{}, err
	}
	limit, err := q.limit(maxPage)
	if err != nil {
		return plugin.Query{}, err
	}
	out := plugin.Query{Filters: filters, Sort: sort, Limit: limit}
	reverse, _ := q.last("page_reverse")
	backwards := strings.EqualFold(reverse, "true")
	if limit > 0 {
		out.Marker, _ = q.last("marker")
		out.PageReverse = backwards
	} else if backwards { // the whole list is one page, which the original does not turn round again
		for i := range sort {
			sort[i].Desc = !sort[i].Desc
		}
	}
	return out, nil
}

// filters gathers the values of each attribute (neutron/api/api_common.py, get_filters_from_dict, with filter-validation and
// empty-string-filtering). The two names of the owner are two filters, both of which must hold.
func (q query) filters(def *apidef.Resource) ([]plugin.Filter, error) {
	var filters []plugin.Filter
	var keys, invalid []string // keys[i] is how the client calls the attribute of filters[i]
	for _, p := range q {
		if slices.Contains(notFilters, p.key) {
			continue
		}
		a := def.Attribute(p.key)
		if a == nil || !a.Filter {
			if !slices.Contains(invalid, p.key) {
				invalid = append(invalid, p.key)
			}
			continue
		}
		value, err := a.FilterText(p.value)
		if err != nil {
			return nil, err
		}
		if i := slices.Index(keys, p.key); i >= 0 {
			filters[i].Values = append(filters[i].Values, value)
			continue
		}
		keys = append(keys, p.key)
		filters = append(filters, plugin.Filter{Attr: def.Canonical(p.key), Values: []string{value}})
	}
	if len(invalid) > 0 {
		return nil, badRequest("%s is invalid attribute for filtering", apidef.Quoted(invalid))
	}
	return filters, nil
}

// sortKeys is get_sorts; the primary key comes last, so that the order is total.
func (q query) sortKeys(def *apidef.Resource) ([]plugin.SortKey, error) {
	keys, dirs := q.all("sort_key"), q.all("sort_dir")
	if len(keys) != len(dirs) {
		return nil, badRequest("The number of sort_keys and sort_dirs must be same")
	}
	if absent := reject(keys, func(k string) bool { a := def.Attribute(k); return a != nil && a.Sort }); absent != nil {
		return nil, badRequest("%s is invalid attribute for sort_keys", apidef.Quoted(absent))
	}
	if invalid := reject(dirs, func(d string) bool { return d == "asc" || d == "desc" }); invalid != nil {
		return nil, badRequest("%s is invalid value for sort_dirs, valid value is 'asc' and 'desc'", apidef.Quoted(invalid))
	}
	var sort []plugin.SortKey
	total := false
	for i, k := range keys {
		sort = append(sort, plugin.SortKey{Attr: def.Canonical(k), Desc: dirs[i] == "desc"})
		total = total || k == def.PrimaryKey()
	}
	if !total {
		sort = append(sort, plugin.SortKey{Attr: def.PrimaryKey()})
	}
	return sort, nil
}

// reject returns the values that are not valid.
func reject(values []string, valid func(string) bool) []string {
	var out []string
	for _, v := range values {
		if !valid(v) {
			out = append(out, v)
		}
	}
	return out
}

// limit is get_limit_and_marker: the page's length, 0 for no paging. maxPage bounds it where it is set.
func (q query) limit(maxPage int) (int, error) {
	limit := 0
	if text, ok := q.last("limit"); ok {
		n, ok := apidef.WholeNumber(text)
		if !ok || n.Sign() < 0 {
			return 0, badParameter("limit", "Limit must be an integer 0 or greater and not '%s'", text)
		}
		limit = math.MaxInt
		if n.IsInt64() {
			limit = int(n.Int64())
		}
	}
	if maxPage > 0 && (limit == 0 || limit > maxPage) {
		limit = maxPage
	}
	return limit, nil
}
