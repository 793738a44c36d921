package store

import (
	"cmp"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/huandu/go-sqlbuilder"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/plugin"
)

// Scope is whose eyes look: an administrator sees every row, a project its own and those that are shared with it. The zero value is
// the administrator.
type Scope struct {
	Project    string
	Restricted bool
}

// table is what the list queries need to know of a resource: where its rows are, and which API attribute is in which column.
type table[T any] struct {
	from    string // the FROM clause; the resource's own table has the alias t
	columns []string
	attrs   map[string]column
	// visible restricts the rows to those that the project may see.
	visible func(b *sqlbuilder.SelectBuilder, project string) string
	// filter renders the filters that no column can answer; nil, false for those it does not know.
	filter func(b *sqlbuilder.SelectBuilder, scope Scope, f plugin.Filter) (string, bool, error)
	scan   func(row) (*T, error)
	// shared returns the item's attribute shared: whether RBAC policies share it with the project that looks. nil where the resource cannot
	// be shared.
	shared func(item *T) *bool
	// sharedBy is the column of the identifier of the object whose policies count, itself or its network; empty for t.id.
	sharedBy string
	// version is an expression that is another number whenever anything has changed that an item shows, a sum of stamps (see stamp.go); empty for
	// t.stamp.
	version string
	// parts are what an item has in other tables.
	parts []part[T]
	// children fills in what no part can say, for all the items at once.
	children func(q Querier, items []*T) error
}

// part is the rows of another table that belong to an item.
type part[T any] struct {
	order   []string // columns that put the rows in order, before the others do; add does not see them
	columns []string // none is binary
	longest int      // how many characters a packed row has at most, where that is more than shortRow and there are few (see Dialect.Concat)
	from    string   // what follows FROM: tables, and a condition on the item's row t
	add     func(item *T, r row) error
}

// The columns by which rows of a part are in order.
var byPosition = []string{"position"}

func byMaking(alias string) []string { return []string{alias + ".created_at", alias + ".id"} }

// column is an attribute's place in SQL.
type column struct {
	expr string
	kind kind
}

// kind is how the text of a filter becomes a value of the column.
type kind uint8

const (
	text     kind = iota
	optional      // text or NULL
	boolean
	integer
	optionalInteger // or NULL
)

// value returns the text of a filter as the column has it; ok is false where no row can have it. MySQL would take the text "1x" for 1.
func (k kind) value(text string) (v any, ok bool) {
	switch k {
	case boolean:
		return text == "True", true
	case integer, optionalInteger:
		n, err := strconv.ParseInt(text, 10, 64)
		return n, err == nil
	}
	return text, true
}

// standard are the columns of model.Standard, which every resource begins with after its id, in the order that scanStandard reads.
var standardColumns = []string{"t.id", "t.project_id", "t.description", "t.created_at", "t.updated_at", "t.revision_number"}

func withStandard(attrs map[string]column) map[string]column {
	for name, expr := range map[string]string{
		"id": "t.id", "project_id": "t.project_id", "tenant_id": "t.project_id", "description": "t.description",
		"created_at": "t.created_at", "updated_at": "t.updated_at", "name": "t.name",
	} {
		attrs[name] = column{expr, text}
	}
	attrs["revision_number"] = column{"t.revision_number", integer}
	return attrs
}

// get returns the row with the identifier, or ErrNotFound.
func (t *table[T]) get(q Querier, id string, scope Scope) (*T, error) {
	b := t.selection(q, scope)
	b.Where(b.Equal("t.id", id))
	items, err := t.fetch(q, b)
	if err != nil {
		return nil, err
	}
	if len(items) == 0 {
		return nil, ErrNotFound
	}
	return items[0], nil
}

// list answers a list request with one query, and one for the marker where there is one.
func (t *table[T]) list(q Querier, scope Scope, want plugin.Query) ([]*T, error) {
	b, err := t.chosen(q, scope, want)
	if err != nil {
		return nil, err
	}
	t.pack(q, b, scope)
	items, err := t.fetch(q, b)
	if want.PageReverse {
		slices.Reverse(items)
	}
	return items, err
}

// chosen is a query without columns for the rows of a list, in their order; of a page that is asked for in reverse, in the reverse of it.
func (t *table[T]) chosen(q Querier, scope Scope, want plugin.Query) (*sqlbuilder.SelectBuilder, error) {
	b := q.dialect().Flavor().NewSelectBuilder()
	keys, err := t.order(want)
	if err != nil {
		return nil, err
	}
	if want.Limit > 0 {
		return b, t.choosePage(q, b, scope, want, keys)
	}
	b.From(t.from)
	return b, t.choose(q, b, scope, want, keys)
}

// choose adds what rows a list has, and their order.
func (t *table[T]) choose(q Querier, b *sqlbuilder.SelectBuilder, scope Scope, want plugin.Query, keys []sortKey) error {
	t.restrict(b, scope)
	for _, f := range want.Filters {
		cond, err := t.condition(b, scope, f)
		if err != nil {
			return err
		}
		b.Where(cond)
	}
	if want.Marker != "" {
		if err := t.after(q, b, scope, keys, want.Marker); err != nil {
			return err
		}
	}
	orderBy(b, keys)
	return nil
}

// choosePage is choose for a page. The identifiers of its rows are found first: where the order is that of no index, an engine would else pack
// every row that could be on it.
func (t *table[T]) choosePage(q Querier, b *sqlbuilder.SelectBuilder, scope Scope, want plugin.Query, keys []sortKey) error {
	page := q.dialect().Flavor().NewSelectBuilder()
	page.Select("t.id").From(t.from).Limit(want.Limit)
	if err := t.choose(q, page, scope, want, keys); err != nil {
		return err
	}
	b.From(t.from, b.BuilderAs(page, "page")).Where("t.id = page.id")
	orderBy(b, keys)
	return nil
}

func orderBy(b *sqlbuilder.SelectBuilder, keys []sortKey) {
	for _, k := range keys {
		b.OrderBy(k.term())
	}
}

// selection is of all the rows that scope sees.
func (t *table[T]) selection(q Querier, scope Scope) *sqlbuilder.SelectBuilder {
	b := q.dialect().Flavor().NewSelectBuilder()
	b.From(t.from)
	t.restrict(b, scope)
	t.pack(q, b, scope)
	return b
}

// restrict leaves the rows that scope sees.
func (t *table[T]) restrict(b *sqlbuilder.SelectBuilder, scope Scope) {
	if scope.Restricted {
		b.Where(t.visible(b, scope.Project))
	}
}

// pack selects what unpacking reads.
func (t *table[T]) pack(q Querier, b *sqlbuilder.SelectBuilder, scope Scope) {
	columns := t.columns
	if t.shared != nil {
		columns = append(slices.Clone(columns), policiesSharing(b, t.sharingColumn(), scope.Project))
	}
	b.Select(packedColumns(columns))
	for _, p := range t.parts {
		b.SelectMore(packedRows(q.dialect(), slices.Concat(p.order, p.columns), p.longest, p.from))
	}
}

func (t *table[T]) fetch(q Querier, b *sqlbuilder.SelectBuilder) ([]*T, error) {
	query, args := b.Build()
	items, err := collect(q, t.unpacking(new(int)), query, args...)
	if err != nil || len(items) == 0 || t.children == nil {
		return items, err
	}
	return items, t.children(q, items)
}

// unpacking returns the function that makes items of the rows of one result. It sets octets to the size of what it has read for one, and reads
// what is selected besides into the others.
func (t *table[T]) unpacking(octets *int, others ...any) func(row) (*T, error) {
	own, parts := "", make([]sql.NullString, len(t.parts))
	targets := []any{&own}
	for i := range parts {
		targets = append(targets, &parts[i])
	}
	targets = append(targets, others...)
	var columns, one packed
	return func(r row) (*T, error) {
		if err := r.Scan(targets...); err != nil {
			return nil, err
		}
		if err := columns.unpack(own); err != nil {
			return nil, err
		}
		*octets = len(own)
		item, err := t.item(&columns)
		for i := 0; err == nil && i < len(parts); i++ {
			if p := t.parts[i]; parts[i].Valid {
				*octets += len(parts[i].String)
				err = eachRow(&one, parts[i].String, len(p.order), func(r row) error { return p.add(item, r) })
			}
		}
		return item, err
	}
}

// item makes an item of its own columns, the last of which says how many policies share it, where it can be shared.
func (t *table[T]) item(columns *packed) (*T, error) {
	if t.shared == nil {
		return t.scan(columns)
	}
	last := len(columns.elements) - 1
	policies, err := strconv.Atoi(columns.elements[last])
	if err != nil {
		return nil, err
	}
	columns.elements = columns.elements[:last]
	item, err := t.scan(columns)
	if err == nil {
		*t.shared(item) = policies > 0
	}
	return item, err
}

func (t *table[T]) versionOf() string { return cmp.Or(t.version, "t.stamp") }

func (t *table[T]) sharingColumn() string { return cmp.Or(t.sharedBy, "t.id") }

// condition renders a filter: the attribute has one of the values.
func (t *table[T]) condition(b *sqlbuilder.SelectBuilder, scope Scope, f plugin.Filter) (string, error) {
	if t.shared != nil && f.Attr == "shared" {
		return sharedFilter(b, t.sharingColumn(), scope.Project, f), nil
	}
	if cond, ok := tagFilter(b, f); ok {
		return cond, nil
	}
	if f.Attr == "changed_since" { // the first of several counts
		return b.GE("t.updated_at", f.Values[0]), nil
	}
	if t.filter != nil {
		if cond, ok, err := t.filter(b, scope, f); ok || err != nil {
			return cond, err
		}
	}
	col, ok := t.attrs[f.Attr]
	if !ok {
		return "", errs.New(errs.Invalid, "InvalidInput", "Invalid input for operation: %s cannot be filtered by.", f.Attr)
	}
	values := make([]any, 0, len(f.Values))
	for _, text := range f.Values {
		if v, ok := col.kind.value(text); ok {
			values = append(values, v)
		}
	}
	return b.In(col.expr, values...), nil
}

// sortKey is a column and its direction.
type sortKey struct {
	expr string
	desc bool
}

func (k sortKey) term() string {
	if k.desc {
		return k.expr + " DESC"
	}
	return k.expr + " ASC"
}

// order returns the sort keys, all turned round where the page is asked for backwards. The id makes the order total.
func (t *table[T]) order(want plugin.Query) ([]sortKey, error) {
	var keys []sortKey
	for _, s := range append(slices.Clone(want.Sort), plugin.SortKey{Attr: "id"}) {
		col, ok := t.attrs[s.Attr]
		if !ok {
			return nil, errs.New(errs.Invalid, "BadRequest", "%s is not a valid sort key", s.Attr)
		}
		expr := col.expr
		switch col.kind { // NULL compares with nothing, and a page must have a place for it
		case optional:
			expr = "COALESCE(" + expr + ", '')"
		case optionalInteger:
			expr = "COALESCE(" + expr + ", -1)"
		}
		if !slices.ContainsFunc(keys, func(k sortKey) bool { return k.expr == expr }) {
			keys = append(keys, sortKey{expr, s.Desc != want.PageReverse})
		}
	}
	return keys, nil
}

// after keeps the rows behind the marker: greater in the first key, or equal in it and greater in the second, and so on.
func (t *table[T]) after(q Querier, b *sqlbuilder.SelectBuilder, scope Scope, keys []sortKey, marker string) error {
	m := q.dialect().Flavor().NewSelectBuilder()
	values, targets := make([]any, len(keys)), make([]any, len(keys))
	for i, k := range keys {
		m.SelectMore(k.expr)
		targets[i] = &values[i]
	}
	m.From(t.from).Where(m.Equal("t.id", marker))
	if scope.Restricted {
		m.Where(t.visible(m, scope.Project))
	}
	query, args := m.Build()
	err := q.QueryRow(query, args...).Scan(targets...)
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNotFound
	}
	if err != nil {
		return err
	}
	for i, v := range values {
		if octets, ok := v.([]byte); ok { // as MySQL's driver returns text, and would not compare it as text
			values[i] = string(octets)
		}
	}
	var either []string
	for i, k := range keys {
		var all []string
		for j := range i {
			all = append(all, b.Equal(keys[j].expr, values[j]))
		}
		if k.desc {
			all = append(all, b.LessThan(k.expr, values[i]))
		} else {
			all = append(all, b.GreaterThan(k.expr, values[i]))
		}
		either = append(either, b.And(all...))
	}
	b.Where(b.Or(either...))
	return nil
}

// collect runs a query and scans its rows.
func collect[T any](q Querier, scan func(row) (*T, error), query string, args ...any) ([]*T, error) {
	rows, err := q.Query(query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var items []*T
	for rows.Next() {
		item, err := scan(rows)
		if err != nil {
			return nil, err
		}
		if err := q.gone(); err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, rows.Err()
}

// chunk is how many identifiers one query names; SQLite takes up to 32766 parameters.
const chunk = 500

// eachChild runs query, whose %s stands for a list of parameters, for all the owners, and calls scan for each row.
func eachChild(q Querier, query string, owners []any, scan func(*sql.Rows) error) error {
	for part := range slices.Chunk(owners, chunk) {
		rows, err := q.Query(fmt.Sprintf(query, placeholders(len(part))), part...)
		if err != nil {
			return err
		}
		for rows.Next() {
			if err := scan(rows); err != nil {
				rows.Close()
				return err
			}
		}
		if err := rows.Close(); err != nil {
			return err
		}
		if err := rows.Err(); err != nil {
			return err
		}
	}
	return nil
}

// placeholders returns n parameters.
func placeholders(n int) string {
	return strings.TrimSuffix(strings.Repeat("?,", n), ",")
}
