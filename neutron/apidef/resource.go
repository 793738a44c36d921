package apidef

import "slices"

// Type is the JSON type of an attribute's value.
type Type string

// The types.
const (
	String  Type = "string"
	UUID    Type = "uuid"
	Boolean Type = "boolean"
	Integer Type = "integer"
	Address Type = "ip-address"
	CIDR    Type = "cidr"
	MAC     Type = "mac-address"
	Time    Type = "time"
	List    Type = "list"
	Object  Type = "object"
)

// Attribute is one attribute of a resource. The zero value of each property is its commonest: visible to all, writable by no one.
type Attribute struct {
	Name string
	Type Type
	Help string // one sentence for the reference documentation

	Create   bool // may be given in POST (allow_post)
	Update   bool // may be given in PUT (allow_put)
	Required bool // must be given in POST: there is no default
	Default  any  // what a POST without it means; nil leaves it to the plugin

	NullByDefault bool // what a POST without it means is null, so that to say null asks for nothing

	Convert  Converter // applied first; nil keeps the value
	Validate Validator // applied to the converted value; nil accepts it

	Filter        bool                         // GET may filter by it (is_filter)
	FilterOnly    bool                         // it is the name of a filter and not of an attribute that anyone sees
	ConvertFilter func(string) (string, error) // for filters whose text form is not the value's; nil applies Convert
	Sort          bool                         // GET may sort by it (is_sort_key)
	PrimaryKey    bool
	Policy        bool   // giving it in a POST or PUT asks the rule of the attribute too, as create_port:fixed_ips (enforce_policy)
	Alias         string // the attribute whose other name this is; empty for the attribute itself
	// Keys are the keys of an object whose rules are asked too, as create_router:external_gateway_info:enable_snat.
	Keys   []string
	Hidden bool // no answer has it (is_visible False)
	// Internal says that it is for this program alone: hidden, and as good as unknown to clients that name it.
	Internal bool
}

// Resource is one collection of the API.
type Resource struct {
	Name       string // "network": the key of a single resource in bodies
	Collection string // "networks": the key of lists
	Path       string // what follows /v2.0/, or the parent's identifier: the collection's name unless At says otherwise
	Parent     *Resource
	Attributes []Attribute

	byName map[string]*Attribute
}

// New returns the resource with the given attributes, which are checked in this order.
func New(name, collection string, groups ...[]Attribute) *Resource {
	r := &Resource{Name: name, Collection: collection, Path: collection, byName: map[string]*Attribute{}}
	for _, g := range groups {
		r.Attributes = append(r.Attributes, g...)
	}
	for i := range r.Attributes {
		r.byName[r.Attributes[i].Name] = &r.Attributes[i]
	}
	return r
}

// At returns r with another path, as security-groups for the collection security_groups.
func (r *Resource) At(path string) *Resource {
	r.Path = path
	return r
}

// Under returns r as a collection below each resource of the parent's, as port_forwardings below a floating IP.
func (r *Resource) Under(parent *Resource) *Resource {
	r.Parent = parent
	return r
}

// Without returns the resource without attributes of extensions that are not served: they are neither taken nor shown.
func (r *Resource) Without(names ...string) *Resource {
	kept := slices.DeleteFunc(slices.Clone(r.Attributes), func(a Attribute) bool { return slices.Contains(names, a.Name) })
	own := New(r.Name, r.Collection, kept)
	own.Path, own.Parent = r.Path, r.Parent
	return own
}

// Noun is what the rules of policy call the resource: network, or floatingip_port_forwarding with its parent's name.
func (r *Resource) Noun() string {
	if r.Parent != nil {
		return r.Parent.Name + "_" + r.Name
	}
	return r.Name
}

// Attribute returns the attribute of that name, nil where there is none.
func (r *Resource) Attribute(name string) *Attribute { return r.byName[name] }

// Canonical returns the attribute's own name where name is an alias (tenant_id), else name.
func (r *Resource) Canonical(name string) string {
	if a := r.byName[name]; a != nil && a.Alias != "" {
		return a.Alias
	}
	return name
}

// PrimaryKey returns the name of the attribute that identifies the resource.
func (r *Resource) PrimaryKey() string {
	for _, a := range r.Attributes {
		if a.PrimaryKey {
			return a.Name
		}
	}
	return "id"
}
