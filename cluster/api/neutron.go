package api

import (
	"encoding/json"
	"net/http"

	"midonet.org/midonet/cluster/importer"
	"midonet.org/midonet/cluster/nsdb/mirror"
	"midonet.org/midonet/cluster/translate"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/id"
	"midonet.org/midonet/topology"
)

const mediaNeutron = "application/vnd.org.midonet.neutron.Neutron-v3+json"

// neutronMedia is the media type of a class of Neutron objects (neutron/NeutronMediaType.java).
func neutronMedia(class string) string {
	return "application/vnd.org.midonet.neutron." + class + "-v1+json"
}

// neutronRoot is the document from which clients find Neutron's resources (neutron/models/Neutron.java).
type neutronRoot struct {
	URI             string `json:"uri"`
	Networks        string `json:"networks"`
	NetworkTemplate string `json:"network_template"`
	Subnets         string `json:"subnets"`
	SubnetTemplate  string `json:"subnet_template"`
	Ports           string `json:"ports"`
	PortTemplate    string `json:"port_template"`
}

// collection is how one kind of Neutron object is served (neutron/resources/NetworkResource.java and its like).
type collection struct {
	resource translate.Resource
	class    string // the original's name, in messages
	path     string // of the collection, under /neutron
	one      string // media type of one object
	many     string // media type of several
	// read makes the object to store of a body; the identifier in a URI wins over the body's and is zero where there is none.
	read func(body []byte, named objectID) (objectID, []byte, error)
	// show makes the body to answer of a stored object.
	show func(s *mirror.State, stored []byte) (any, error)
}

// objectID is the identifier of any Neutron object.
type objectID = id.ID[topology.Source]

func (a *API) neutronRoutes() {
	a.serve("/neutron", endpoint{method: http.MethodGet, produces: []string{mediaNeutron}, handle: showNeutronRoot})
	for _, k := range []collection{
		{translate.Network, "NeutronNetwork", "/networks", neutronMedia("Network"), neutronMedia("Networks"), readNetwork, showNetwork},
		{translate.Subnet, "NeutronSubnet", "/subnets", neutronMedia("Subnet"), neutronMedia("Subnets"), readSubnet, showSubnet},
		{translate.Port, "NeutronPort", "/ports", neutronMedia("Port"), neutronMedia("Ports"), readPort, showPort},
	} {
		a.neutronCollection(k)
	}
}

func showNeutronRoot(c *call) (reply, error) {
	uri := c.base + "/neutron"
	return reply{body: neutronRoot{
		URI:      uri,
		Networks: uri + "/networks", NetworkTemplate: uri + "/networks/{id}",
		Subnets: uri + "/subnets", SubnetTemplate: uri + "/subnets/{id}",
		Ports: uri + "/ports", PortTemplate: uri + "/ports/{id}",
	}}, nil
}

func (a *API) neutronCollection(k collection) {
	one, many := []string{k.one}, []string{k.many}
	a.serve("/neutron"+k.path,
		endpoint{http.MethodGet, nil, many, k.list},
		endpoint{http.MethodPost, one, one, func(c *call) (reply, error) { return a.create(c, k) }},
		endpoint{http.MethodPost, many, many, func(c *call) (reply, error) { return a.createBulk(c, k) }},
	)
	a.serve("/neutron"+k.path+"/{id}",
		endpoint{http.MethodGet, nil, one, k.get},
		endpoint{http.MethodPut, one, one, func(c *call) (reply, error) { return a.replace(c, k) }},
		endpoint{http.MethodDelete, nil, nil, func(c *call) (reply, error) { return a.remove(c, k) }},
	)
}

// list answers every object of the kind, in order of identifier.
func (k collection) list(c *call) (reply, error) {
	all := []any{}
	for o := range c.state.ByKind(topology.KindSource) {
		source := o.(*topology.Source)
		if source.Resource != string(k.resource) {
			continue
		}
		shown, err := k.show(c.state, source.JSON)
		if err != nil {
			return reply{}, err
		}
		all = append(all, shown)
	}
	return reply{body: all}, nil
}

func (k collection) get(c *call) (reply, error) {
	named, err := c.named("id")
	if err != nil {
		return reply{}, err
	}
	shown, err := k.find(c.state, named)
	return reply{body: shown}, err
}

// find returns the body of a stored object, which must be there.
func (k collection) find(s *mirror.State, named objectID) (any, error) {
	source := mirror.Lookup[*topology.Source](s, topology.KindSource, named)
	if source == nil || source.Resource != string(k.resource) {
		return nil, noSuch(k.class, named)
	}
	return k.show(s, source.JSON)
}

func (a *API) create(c *call, k collection) (reply, error) {
	written, shown, err := a.write(c, k, importer.Create, []json.RawMessage{c.body}, objectID{})
	if err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusCreated, location: c.base + "/neutron" + k.path + "/" + written[0].String(), body: shown[0]}, nil
}

// createBulk creates all or none.
func (a *API) createBulk(c *call, k collection) (reply, error) {
	var bodies []json.RawMessage
	if err := c.decode(&bodies); err != nil {
		return reply{}, err
	}
	_, shown, err := a.write(c, k, importer.Create, bodies, objectID{})
	if err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusCreated, location: c.base + "/neutron" + k.path, body: shown}, nil
}

func (a *API) replace(c *call, k collection) (reply, error) {
	named, err := c.named("id")
	if err != nil {
		return reply{}, err
	}
	_, shown, err := a.write(c, k, importer.Replace, []json.RawMessage{c.body}, named)
	if err != nil {
		return reply{}, err
	}
	return reply{body: shown[0]}, nil
}

// remove answers 204 for what is not there too.
func (a *API) remove(c *call, k collection) (reply, error) {
	named, err := c.named("id")
	if err != nil {
		return reply{}, err
	}
	owner := translate.Owner{Resource: k.resource, ID: named}
	revision, err := a.Importer.Apply(c.Context(), []importer.Write{{Owner: owner, Verb: importer.Delete}})
	if err != nil {
		return reply{}, err
	}
	_, err = a.committed(c.Context(), revision)
	return reply{}, err
}

// write stores what the bodies say in one step, and returns the identifiers and what is to be answered for each.
func (a *API) write(c *call, k collection, verb importer.Verb, bodies []json.RawMessage, named objectID) ([]objectID, []any, error) {
	ids, writes, shown := []objectID{}, []importer.Write{}, []any{}
	for _, body := range bodies {
		n, stored, err := k.read(body, named)
		if err != nil {
			return nil, nil, err
		}
		if n.IsZero() {
			return nil, nil, errs.New(errs.Invalid, "NoIdentifier", "A %s has no id.", k.class)
		}
		ids = append(ids, n)
		writes = append(writes, importer.Write{Owner: translate.Owner{Resource: k.resource, ID: n}, Verb: verb, JSON: stored})
	}
	revision, err := a.Importer.Apply(c.Context(), writes)
	if err != nil {
		return nil, nil, err
	}
	state, err := a.committed(c.Context(), revision)
	if err != nil {
		return nil, nil, err
	}
	for _, w := range writes {
		body, err := k.show(state, w.JSON)
		if err != nil {
			return nil, nil, err
		}
		shown = append(shown, body)
	}
	return ids, shown, nil
}

// named reads an identifier from the path. What is no identifier names nothing.
func (c *call) named(name string) (objectID, error) {
	n, err := id.Parse[topology.Source](c.PathValue(name))
	if err != nil || n.IsZero() {
		return n, errs.New(errs.NotFound, "NotFound", "There is nothing with ID %s.", c.PathValue(name))
	}
	return n, nil
}
