package api

import (
	"encoding/json"
	"net/http"

	"midonet.org/midonet/cluster/conf"
	"midonet.org/midonet/cluster/nsdb/mirror"
	"midonet.org/midonet/cluster/operator"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/topology"
)

// This file is resources/ConfResource.scala: configuration of nodes, agents as well as servers, in documents that are kept in the cluster. Here each
// host's files and options configure what runs there, and no part obeys a document: the schema, which has no keys but its version, says so, and so does the
// log of each that is written.

var mediaText = []string{"text/plain"}

const (
	// maxConfig is how long a document may be, octets, as it is sent and as it is kept. It is one object.
	maxConfig = 256 << 10
	// defaultTemplate is what every node is given beneath its own template (MidoNodeConfigurator).
	defaultTemplate = "default"
)

// schemas is the merged schema of all kinds of nodes.
var schemas = func() conf.Config {
	const note = "Agents and servers are configured by the files and options of their own hosts. Documents are kept here, and none of their keys is obeyed."
	all := conf.Config{}
	for _, kind := range []string{"agent", "cluster", "nsdb"} {
		all[kind] = conf.Config{"schemaVersion": json.Number("1"), "schemaVersion_description": note}
	}
	return all
}()

func (a *API) confRoutes() {
	node, template, mapping := topology.ConfigNode, topology.ConfigTemplate, topology.ConfigMapping
	a.serve("/conf/schemas", endpoint{http.MethodGet, nil, mediaText, func(*call) (reply, error) { return showConfig(schemas), nil }})
	a.serve("/conf/nodes/{id}",
		endpoint{http.MethodGet, nil, mediaText, ofNode(func(c *call, id string) (reply, error) { return showConfig(c.config(node, id)), nil })},
		endpoint{http.MethodPost, mediaText, nil, ofNode(func(c *call, id string) (reply, error) { return a.mergeConfig(c, node, id) })},
		endpoint{http.MethodDelete, nil, nil, ofNode(func(c *call, id string) (reply, error) { return a.putConfig(c, node, id, nothing) })},
	)
	a.serve("/conf/runtime/{id}", endpoint{http.MethodGet, nil, mediaText, ofNode(showRuntime)})
	a.serve("/conf/templates", endpoint{http.MethodGet, nil, mediaText, listTemplates})
	a.serve("/conf/templates/{name}",
		endpoint{http.MethodGet, nil, mediaText, func(c *call) (reply, error) { return showConfig(c.config(template, c.PathValue("name"))), nil }},
		endpoint{http.MethodPost, mediaText, nil, func(c *call) (reply, error) { return a.mergeConfig(c, template, c.PathValue("name")) }},
		endpoint{http.MethodDelete, nil, nil, func(c *call) (reply, error) { return a.putConfig(c, template, c.PathValue("name"), nothing) }},
	)
	a.serve("/conf/template-mappings", endpoint{http.MethodGet, nil, mediaText, listMappings})
	a.serve("/conf/template-mappings/{id}",
		endpoint{http.MethodPost, mediaText, mediaText, ofNode(a.mapTemplate)},
		endpoint{http.MethodDelete, nil, nil, ofNode(func(c *call, id string) (reply, error) { return a.putConfig(c, mapping, id, nothing) })},
	)
}

// ofNode calls the function with the identifier that the path names, in its usual form. The node need not be known.
func ofNode(handle func(c *call, id string) (reply, error)) func(*call) (reply, error) {
	return func(c *call) (reply, error) {
		node, err := c.named("id")
		if err != nil {
			return reply{}, err
		}
		return handle(c, node.String())
	}
}

// document returns the text that is kept; "" where there is none.
func (c *call) document(scope topology.ConfigScope, name string) string {
	key := topology.NewConfigDocument(scope, name, "").ID
	if o := mirror.Lookup[*topology.ConfigDocument](c.state, topology.KindConfigDocument, key); o != nil {
		return o.Text
	}
	return ""
}

// config returns what a document says. One that is not there says nothing, as in the original.
func (c *call) config(scope topology.ConfigScope, name string) conf.Config {
	have, _ := conf.Parse(c.document(scope, name)) // it is kept as JSON
	return have
}

func showConfig(c conf.Config) reply { return reply{body: plain(c.JSON())} }

// showRuntime shows what a node is to run with: what is said of it, over its template, over that of all, over the schema.
func showRuntime(c *call, node string) (reply, error) {
	run := c.config(topology.ConfigNode, node)
	if name := c.document(topology.ConfigMapping, node); name != "" {
		run = run.Over(c.config(topology.ConfigTemplate, name))
	}
	return showConfig(run.Over(c.config(topology.ConfigTemplate, defaultTemplate)).Over(schemas)), nil
}

func listTemplates(c *call) (reply, error) {
	names := []any{}
	for o := range c.state.ByKind(topology.KindConfigDocument) {
		if o := o.(*topology.ConfigDocument); o.Scope == topology.ConfigTemplate {
			names = append(names, o.Name)
		}
	}
	return showConfig(conf.Config{"templates": names}), nil
}

func listMappings(c *call) (reply, error) {
	mappings := conf.Config{}
	for o := range c.state.ByKind(topology.KindConfigDocument) {
		if o := o.(*topology.ConfigDocument); o.Scope == topology.ConfigMapping {
			mappings[o.Name] = o.Text
		}
	}
	return showConfig(mappings), nil
}

// mergeConfig puts the body over what the document says.
func (a *API) mergeConfig(c *call, scope topology.ConfigScope, name string) (reply, error) {
	sent, err := c.readConfig()
	if err != nil {
		return reply{}, err
	}
	return a.putConfig(c, scope, name, func(have string) (string, error) {
		under, _ := conf.Parse(have)
		joined := sent.Over(under)
		text := joined.JSON()
		switch {
		case have == "" && len(joined) == 0:
			return "", nil
		case len(text) > maxConfig:
			return "", errs.New(errs.TooLarge, "ConfigTooLong", "The configuration would have more than %d octets.", maxConfig)
		}
		return text, nil
	})
}

// nothing is what becomes of a document that is deleted.
func nothing(string) (string, error) { return "", nil }

// mapTemplate has the node be given the template that the body names.
func (a *API) mapTemplate(c *call, node string) (reply, error) {
	sent, err := c.readConfig()
	if err != nil {
		return reply{}, err
	}
	name, ok := sent[node].(string)
	if !ok || name == "" || len(name) > maxName {
		return reply{}, errs.New(errs.Invalid, "NoTemplate", "The configuration does not name a template for %s.", node)
	}
	if _, err := a.putConfig(c, topology.ConfigMapping, node, func(string) (string, error) { return name, nil }); err != nil {
		return reply{}, err
	}
	return showConfig(conf.Config{node: name}), nil
}

func (c *call) readConfig() (conf.Config, error) {
	if len(c.body) > maxConfig {
		return nil, errs.New(errs.TooLarge, "ConfigTooLong", "The configuration has more than %d octets.", maxConfig)
	}
	sent, err := conf.Parse(string(c.body))
	if err != nil {
		return nil, errs.New(errs.Invalid, "BadConfig", "The configuration cannot be read: %v.", err)
	}
	return sent, nil
}

// putConfig changes a document, and tells the operator of what is written that nothing obeys it.
func (a *API) putConfig(c *call, scope topology.ConfigScope, name string, change func(string) (string, error)) (reply, error) {
	if len(name) > maxName {
		return reply{}, errs.New(errs.Invalid, "BadName", "The name of a template has %d octets at most.", maxName)
	}
	var text string
	if _, err := a.edit(c, "", func(e *operator.Edit) error {
		return e.PutConfig(scope, name, func(have string) (_ string, err error) {
			text, err = change(have)
			return text, err
		})
	}); err != nil {
		return reply{}, err
	}
	if text != "" {
		a.unheeded(topology.NewConfigDocument(scope, name, "").Key())
	}
	return reply{status: http.StatusOK}, nil
}
