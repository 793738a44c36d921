// Package conf reads and joins the documents in which MidoNet's operators keep configuration (the original's mn-conf): HOCON, of which JSON is a part.
//
// Read is what such documents are written in by people: comments, keys as paths, keys and texts without quotes, values put together, lists that grow.
// A document that refers to another one (include) or to other keys (${…}) is refused: the original resolves neither of what its API is sent.
package conf

import (
	"bytes"
	"encoding/json"
	"maps"
)

// Config is a document, or a part of one. Its values are Configs, lists ([]any of such values), strings, json.Numbers, bools and nil, which is JSON's null.
type Config map[string]any

// Over returns the configuration that has what c says, and where c says nothing what under does.
func (c Config) Over(under Config) Config {
	joined := maps.Clone(under)
	if joined == nil {
		joined = Config{}
	}
	for key, value := range c {
		part, isPart := value.(Config)
		below, hasBelow := joined[key].(Config)
		if isPart && hasBelow {
			joined[key] = part.Over(below)
		} else {
			joined[key] = value
		}
	}
	return joined
}

// set puts a value at a path, over what is there.
func (c Config) set(path []string, value any) {
	for _, key := range path[:len(path)-1] {
		part, ok := c[key].(Config)
		if !ok {
			part = Config{}
			c[key] = part
		}
		c = part
	}
	last := path[len(path)-1]
	part, isPart := value.(Config)
	below, hasBelow := c[last].(Config)
	if isPart && hasBelow {
		value = part.Over(below)
	}
	c[last] = value
}

// at returns the value at a path; nil where there is none.
func (c Config) at(path []string) any {
	for _, key := range path[:len(path)-1] {
		c, _ = c[key].(Config)
	}
	return c[path[len(path)-1]]
}

// JSON returns the document as JSON, for people, with its keys in order.
func (c Config) JSON() string {
	if c == nil {
		c = Config{}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "    ")
	if err := e.Encode(c); err != nil { // of what Parse returns, nothing has no JSON
		panic(err)
	}
	return b.String()
}
