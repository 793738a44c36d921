package store

import (
	"cmp"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"midonet.org/midonet/neutron/model"
)

// Rows are read packed: the engine makes one JSON array of the columns of a row, and one of each row that belongs to it in another table.
// So a resource and all that it has is one row of a few texts, which costs a driver a fraction of what twenty columns do, and a list with
// everything in it is one statement.

// row is one row of a result, as *sql.Rows has it or packed.
type row interface {
	Scan(dest ...any) error
}

// packedColumns is the expression that packs columns; none of them may be binary.
func packedColumns(columns []string) string {
	return "JSON_ARRAY(" + strings.Join(columns, ", ") + ")"
}

// shortRow is how many characters a packed row may have for which engines need no special care.
const shortRow = 512

// mostEscaped is how many characters one of a text that a client chooses takes at most: \u0001.
const mostEscaped = 6

// packedRows is the expression that packs the rows of a query, with commas between them; NULL where there are none. Each has up to longest
// characters, or shortRow. from is what follows FROM in the query. They come in any order.
func packedRows(d Dialect, columns []string, longest int, from string) string {
	return "(SELECT " + d.Concat(packedColumns(columns), longest) + " FROM " + from + ")"
}

// aliased are the columns of a table, whose alias is t there, for a part that has the table under another alias.
func aliased(alias string, columns []string) []string {
	all := make([]string, len(columns))
	for i, c := range columns {
		all[i] = strings.Replace(c, "t.", alias+".", 1)
	}
	return all
}

var errNotPacked = errors.New("the database did not return what it was asked to pack")

// packed is a row as packedColumns made it. Reading what this package did not write is an error that names the value.
type packed struct{ elements []string }

// unpack splits the text of a row. The elements are parts of it, still in JSON.
func (p *packed) unpack(text string) error {
	rest, err := p.next(text)
	if err == nil && rest != "" {
		err = errNotPacked
	}
	if err != nil {
		return fmt.Errorf("%.200q: %w", text, err)
	}
	return nil
}

// next splits the first row of the text and returns what follows it.
func (p *packed) next(text string) (rest string, err error) {
	p.elements = p.elements[:0]
	if text == "" || text[0] != '[' {
		return "", errNotPacked
	}
	for i := 1; i < len(text); {
		end := elementEnd(text, i)
		p.elements = append(p.elements, text[i:end])
		if end == len(text) {
			break
		}
		switch text[end] {
		case ']':
			return text[end+1:], nil
		case ',':
			if i = end + 1; i < len(text) && text[i] == ' ' { // MySQL puts one there
				i++
			}
		default:
			return "", errNotPacked
		}
	}
	return "", errNotPacked
}

// elementEnd returns where the element that begins at i ends: behind the quote that closes it, or at a comma or bracket; or with the text.
func elementEnd(text string, i int) int {
	if i == len(text) || text[i] != '"' {
		if n := strings.IndexAny(text[i:], ",]"); n >= 0 {
			return i + n
		}
		return len(text)
	}
	for end := i + 1; ; end++ {
		n := strings.IndexByte(text[end:], '"')
		if n < 0 {
			return len(text)
		}
		if end += n; !escaped(text[i:end]) {
			return end + 1
		}
	}
}

// escaped reports whether what follows the text is behind a backslash that is not itself behind one.
func escaped(text string) bool {
	return (len(text)-len(strings.TrimRight(text, `\`)))%2 == 1
}

// eachRow calls add for each row that packedRows made, in the order of their elements and without the first ones, so many as order says. It
// reads the first row into one.
func eachRow(one *packed, text string, order int, add func(row) error) error {
	rest, err := one.next(text)
	if err != nil {
		return err
	}
	if rest == "" {
		return one.without(order, add)
	}
	rows := []packed{{slices.Clone(one.elements)}}
	for rest != "" {
		var more packed
		if rest, err = more.next(strings.TrimPrefix(rest, ",")); err != nil {
			return err
		}
		rows = append(rows, more)
	}
	slices.SortStableFunc(rows, packed.compare)
	for _, r := range rows {
		if err := r.without(order, add); err != nil {
			return err
		}
	}
	return nil
}

// without calls add for the row without its first elements.
func (p *packed) without(first int, add func(row) error) error {
	all := p.elements
	p.elements = all[first:]
	err := add(p)
	p.elements = all
	return err
}

// compare puts rows in the order of their elements: numbers by value, texts octet by octet.
func (p packed) compare(o packed) int {
	return slices.CompareFunc(p.elements, o.elements, func(a, b string) int {
		if x, err := strconv.ParseInt(a, 10, 64); err == nil {
			y, _ := strconv.ParseInt(b, 10, 64)
			return cmp.Compare(x, y)
		}
		x, _ := unquote(a) // what is not text is found out when it is read
		y, _ := unquote(b)
		return cmp.Compare(x, y)
	})
}

// Scan reads the elements into the variables that dest points to, as sql.Rows.Scan does.
func (p *packed) Scan(dest ...any) error {
	if len(dest) != len(p.elements) {
		return fmt.Errorf("%d columns are to be read, and there are %d", len(dest), len(p.elements))
	}
	for i, to := range dest {
		if err := scanElement(to, p.elements[i]); err != nil {
			return fmt.Errorf("column %d, %.100s: %w", i, p.elements[i], err)
		}
	}
	return nil
}

// scanElement reads one element. The kinds that every row has come first.
func scanElement(to any, element string) (err error) {
	switch to := to.(type) {
	case *string:
		*to, err = unquote(element)
	case *model.Status:
		var text string
		text, err = unquote(element)
		*to = model.Status(text)
	case *bool:
		*to, err = condition(element)
	case *int:
		*to, err = strconv.Atoi(element)
	case *int64:
		*to, err = strconv.ParseInt(element, 10, 64)
	case fromText:
		var text string
		if element != "null" {
			text, err = unquote(element)
		}
		if err == nil {
			err = to.scanText(text)
		}
	case sql.Scanner:
		var v any
		if v, err = valueOf(element); err == nil {
			err = to.Scan(v)
		}
	default:
		err = scanKind(reflect.ValueOf(to).Elem(), element)
	}
	return err
}

// fromText is a scanner of text; NULL is the empty one.
type fromText interface{ scanText(string) error }

// scanKind reads an element into a type that is made of one that scanElement knows, or a pointer to one, which NULL leaves nil.
func scanKind(to reflect.Value, element string) error {
	switch to.Kind() {
	case reflect.Pointer:
		if element == "null" {
			to.SetZero()
			return nil
		}
		to.Set(reflect.New(to.Type().Elem()))
		return scanElement(to.Interface(), element)
	case reflect.String:
		text, err := unquote(element)
		to.SetString(text)
		return err
	case reflect.Int:
		n, err := strconv.ParseInt(element, 10, strconv.IntSize)
		to.SetInt(n)
		return err
	}
	return fmt.Errorf("%v cannot be read from a row", to.Type())
}

// valueOf is an element as a driver returns it.
func valueOf(element string) (any, error) {
	switch {
	case element == "null":
		return nil, nil
	case element[:1] == `"`:
		return unquote(element)
	}
	return strconv.ParseInt(element, 10, 64)
}

// condition reads what is true or not, which engines write as number or as word.
func condition(element string) (bool, error) {
	switch element {
	case "1", "true":
		return true, nil
	case "0", "false":
		return false, nil
	}
	return false, errNotPacked
}

// unquote returns the text of a JSON string.
func unquote(element string) (string, error) {
	if len(element) < 2 || element[0] != '"' || element[len(element)-1] != '"' {
		return "", errNotPacked
	}
	if strings.IndexByte(element, '\\') < 0 {
		return element[1 : len(element)-1], nil
	}
	var text string
	err := json.Unmarshal([]byte(element), &text)
	return text, err
}
