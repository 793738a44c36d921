package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"unicode/utf8"

	"midonet.org/midonet/neutron/apidef"
)

// errBody is Neutron's answer to whatever is not a JSON object (neutron/pecan_wsgi/hooks/body_validation.py).
func errBody() error { return badRequest("Body contains invalid data") }

// readObject reads the body as one JSON object. An empty body is the empty object.
func readObject(r *http.Request) (map[string]any, error) {
	raw, err := readBody(r)
	if err != nil || len(raw) == 0 {
		return nil, err
	}
	v, err := valueIn(raw)
	if err != nil {
		return nil, err
	}
	object, ok := v.(map[string]any)
	if !ok {
		return nil, errBody()
	}
	return object, nil
}

// valueIn returns the JSON value that a body is.
func valueIn(raw []byte) (any, error) {
	if !utf8.Valid(raw) {
		return nil, badRequest(notAllowedText) // from webob, which does not come to look at what it says
	}
	v, err := decode(raw)
	if err != nil {
		return nil, errBody()
	}
	return v, nil
}

// readRawObject reads the body as one JSON object and leaves it as it is written. A body that is empty or another value is nil.
func readRawObject(r *http.Request) (json.RawMessage, error) {
	raw, err := readBody(r)
	if err != nil || len(raw) == 0 {
		return nil, err
	}
	if !utf8.Valid(raw) {
		return nil, errBody()
	}
	if !json.Valid(raw) {
		return nil, errBody()
	}
	if bytes.TrimLeft(raw, " \t\r\n")[0] != '{' {
		return nil, nil
	}
	return raw, nil
}

// decode reads one JSON value with nothing behind it. Numbers keep the form in which they are written.
func decode(raw []byte) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("something follows the value")
	}
	return v, nil
}

func readBody(r *http.Request) ([]byte, error) {
	raw, err := io.ReadAll(r.Body)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, errTooLarge()
	case err != nil: // the client went away or sent fewer octets than it said
		return nil, errBody()
	}
	return raw, nil
}

// single returns the attributes of the one resource that a body holds.
func single(def *apidef.Resource, body map[string]any) (map[string]any, error) {
	return object(def, body[def.Name])
}

func object(def *apidef.Resource, v any) (map[string]any, error) {
	switch v := v.(type) {
	case nil:
		return nil, badRequest("Unable to find '%s' in request body", def.Name)
	case map[string]any:
		return v, nil
	}
	return nil, badRequest("Object '%s' contains invalid data", def.Name)
}

// several returns the attributes of each resource that the body of a bulk create holds: a list whose elements are resources, bare
// or under the resource's name (neutron/api/v2/base.py, prepare_request_body).
func several(def *apidef.Resource, v any) ([]map[string]any, error) {
	list, ok := apidef.Elements(v)
	switch {
	case !truth(v):
		return nil, badRequest("Resources required")
	case !ok:
		return nil, errBody()
	}
	items := make([]map[string]any, len(list))
	for i, inner := range list {
		if _, ok := apidef.Elements(inner); !ok {
			return nil, errBody()
		}
		item, _ := inner.(map[string]any)
		if named, wrapped := item[def.Name]; wrapped {
			inner = named
		}
		var err error
		if items[i], err = object(def, inner); err != nil {
			return nil, err
		}
	}
	return items, nil
}
