package api

import (
	"bytes"
	"encoding"
	"encoding/json"
	"io"
	"reflect"
	"regexp"
	"strings"

	"midonet.org/midonet/errs"
)

// decode reads the body into v, passing over what v does not know. Like the original's parser (Jackson) it takes numbers and truth values that are written as
// texts, and texts that are written as either: midonet-cli sends what its user has typed. An empty text is no number and no truth value, and stands for null.
func (c *call) decode(v any) error {
	var sent any
	d := json.NewDecoder(bytes.NewReader(c.body))
	d.UseNumber()
	err := d.Decode(&sent)
	if _, more := d.Token(); err == nil && more != io.EOF {
		err = errs.New(errs.Invalid, "BadJSON", "something follows the object")
	}
	if err == nil {
		var meant []byte
		if meant, err = json.Marshal(as(sent, reflect.TypeOf(v).Elem())); err == nil {
			err = json.Unmarshal(meant, v)
		}
	}
	if err != nil {
		return errs.New(errs.Invalid, "BadJSON", "The body cannot be read: %v", err)
	}
	return nil
}

var (
	jsonNumber      = reflect.TypeFor[json.Number]()
	jsonUnmarshaler = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()

	truth   = regexp.MustCompile(`^(true|false)$`)
	integer = regexp.MustCompile(`^(0|-?[1-9][0-9]*)$`)
)

// as returns the value of JSON as one that the type is read from. What is not of the type is left as it is, for the type to refuse.
func as(sent any, t reflect.Type) any {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if p := reflect.PointerTo(t); t == jsonNumber || p.Implements(jsonUnmarshaler) || p.Implements(textUnmarshaler) {
		return sent
	}
	switch t.Kind() {
	case reflect.String:
		switch sent := sent.(type) {
		case json.Number:
			return sent.String()
		case bool:
			return map[bool]string{true: "true", false: "false"}[sent]
		}
	case reflect.Bool:
		if text, ok := sent.(string); ok {
			return literal(text, truth)
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if text, ok := sent.(string); ok {
			return literal(text, integer)
		}
	case reflect.Slice:
		list, _ := sent.([]any)
		for i := range list {
			list[i] = as(list[i], t.Elem())
		}
	case reflect.Struct:
		if object, ok := sent.(map[string]any); ok {
			asFields(object, t)
		}
	}
	return sent
}

// asFields is as for the members of an object, by the names of the struct's fields.
func asFields(object map[string]any, t reflect.Type) {
	types := map[string]reflect.Type{}
	for _, f := range reflect.VisibleFields(t) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" {
			if _, shadowed := types[strings.ToLower(name)]; !shadowed || len(f.Index) == 1 {
				types[strings.ToLower(name)] = f.Type
			}
		}
	}
	for name, value := range object {
		if t, known := types[strings.ToLower(name)]; known {
			object[name] = as(value, t)
		}
	}
}

// literal returns what a text stands for, null where it is empty.
func literal(text string, stands *regexp.Regexp) any {
	switch {
	case text == "":
		return nil
	case stands.MatchString(text):
		return json.RawMessage(text)
	}
	return text
}
