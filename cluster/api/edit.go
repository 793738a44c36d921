package api

import (
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"midonet.org/midonet/cluster/nsdb/mirror"
	"midonet.org/midonet/cluster/operator"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/id"
	"midonet.org/midonet/topology"
)

// This file is what all writes of the topology's resources share (resources/MidonetResource.scala).

// maxName is how long a name may be, in characters, and maxTenant a tenant's identifier.
const (
	maxName   = 255
	maxTenant = 255
)

// violations are what is wrong with a body's properties (models/ValidationError.java).
type violations []violation

type violation struct {
	Property string `json:"property"`
	Message  string `json:"message"`
}

// validationBody is the error body of violations.
type validationBody struct {
	errorBody
	Violations violations `json:"violations"`
}

const validationMessage = "Validation error(s) found"

func (v violations) Error() string { return fmt.Sprintf("%s: %v", validationMessage, []violation(v)) }

// add notes a violation where bad holds.
func (v *violations) add(bad bool, property, format string, args ...any) {
	if bad {
		*v = append(*v, violation{property, fmt.Sprintf(format, args...)})
	}
}

// size notes a text that is too short or too long, in characters.
func (v *violations) size(property, text string, least, most int) {
	n := utf8.RuneCountInString(text)
	v.add(n < least || n > most, property, "size must be between %d and %d", least, most)
}

// err returns the violations as an error, nil where there are none.
func (v violations) err() error {
	if len(v) == 0 {
		return nil
	}
	return v
}

func writeViolations(w http.ResponseWriter, v violations) {
	message := validationMessage
	writeJSON(w, http.StatusBadRequest, mediaError, validationBody{errorBody{&message, http.StatusBadRequest}, v})
}

// unsupported refuses a property that nothing would obey.
func unsupported(property string) error {
	return errs.New(errs.Invalid, "Unsupported", "%s is not supported.", property)
}

// edit makes an edit of the topology and returns the answer to a creation, where location is the URI of what was made.
func (a *API) edit(c *call, location string, fn func(*operator.Edit) error) (reply, error) {
	if _, err := a.Operator.Edit(c.Context(), fn); err != nil {
		return reply{}, err
	}
	if location == "" {
		return reply{}, nil
	}
	return reply{status: http.StatusCreated, location: location}, nil
}

// delete removes the object that the path names.
func (a *API) delete(kind topology.Kind) func(*call) (reply, error) {
	return func(c *call) (reply, error) {
		named, err := c.named("id")
		if err != nil {
			return reply{}, err
		}
		return reply{}, a.Operator.Delete(c.Context(), topology.Key{Kind: kind, ID: named})
	}
}

// find returns the object that a part of the path names, which must be there.
func find[T topology.Object](c *call, kind topology.Kind, part string) (T, error) {
	named, err := c.named(part)
	if err != nil {
		return *new(T), err
	}
	o, ok := c.state.Get(topology.Key{Kind: kind, ID: named}).(T)
	if !ok {
		return o, operator.Missing(kind, named)
	}
	return o, nil
}

// ofTenant yields every object of the kind, or those of ?tenant_id.
func ofTenant[T topology.Object](c *call, kind topology.Kind, tenant func(T) string) []T {
	all, query := []T{}, c.URL.Query()
	for o := range c.state.ByKind(kind) {
		if t := o.(T); !query.Has("tenant_id") || tenant(t) == query.Get("tenant_id") {
			all = append(all, t)
		}
	}
	return all
}

// show applies a function to each.
func show[T, S any](all []T, one func(T) S) []S {
	shown := make([]S, 0, len(all))
	for _, x := range all {
		shown = append(shown, one(x))
	}
	return shown
}

// given returns what the client gave, and the zero value where it gave nothing.
func given[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// chosen returns the identifier that the client gave, or a new one.
func chosen[T any](p *id.ID[T]) id.ID[T] {
	if p == nil || p.IsZero() {
		return id.New[T]()
	}
	return *p
}

// filters are the chains in a body.
type filters struct {
	InboundFilterID  *topology.ChainID `json:"inboundFilterId"`
	OutboundFilterID *topology.ChainID `json:"outboundFilterId"`
}

func (f filters) chains() operator.Filters {
	return operator.Filters{In: given(f.InboundFilterID), Out: given(f.OutboundFilterID)}
}

// filtersOf returns what operators have put on the target.
func (c *call) filtersOf(target topology.Key) operator.Filters {
	o := mirror.Lookup[*topology.Overlay](c.state, topology.KindOverlay, target.ID)
	if o == nil || o.Target != target {
		return operator.Filters{}
	}
	return operator.Filters{In: o.InChain, Out: o.OutChain}
}

// chainURI is null for no chain.
func (c *call) chainURI(id topology.ChainID) *string {
	if id.IsZero() {
		return nil
	}
	return present(c.base + "/chains/" + id.String())
}

// extras are properties of what is not built: mirrors, QoS, load balancers, BGP. A body may have them empty, as clients send back what
// they were shown.
type extras struct {
	QoSPolicyID           *string  `json:"qosPolicyId"`
	InboundMirrorIDs      []string `json:"inboundMirrorIds"`
	OutboundMirrorIDs     []string `json:"outboundMirrorIds"`
	PostInFilterMirrorIDs []string `json:"postInFilterMirrorIds"`
	PreOutFilterMirrorIDs []string `json:"preOutFilterMirrorIds"`
	InsertionIDs          []string `json:"insertionIds"`
	VxLANPortIDs          []string `json:"vxLanPortIds"`
	LoadBalancerID        *string  `json:"loadBalancerId"`
	LocalRedirectChainID  *string  `json:"localRedirectChainId"`
	ASNumber              int      `json:"asNumber"`
	ServiceContainerID    *string  `json:"serviceContainerId"`
	RouterPortVNI         *int     `json:"rtrPortVni"`
	OffRampVXLAN          *bool    `json:"offRampVxlan"`
	VLANID                *int     `json:"vlanId"`
	VIFID                 *string  `json:"vifId"`
}

// err refuses the first of the properties that says something.
func (x extras) err() error {
	for _, p := range []struct {
		name string
		set  bool
	}{
		{"qosPolicyId", x.QoSPolicyID != nil}, {"inboundMirrorIds", len(x.InboundMirrorIDs) > 0},
		{"outboundMirrorIds", len(x.OutboundMirrorIDs) > 0}, {"postInFilterMirrorIds", len(x.PostInFilterMirrorIDs) > 0},
		{"preOutFilterMirrorIds", len(x.PreOutFilterMirrorIDs) > 0}, {"insertionIds", len(x.InsertionIDs) > 0},
		{"loadBalancerId", x.LoadBalancerID != nil}, {"localRedirectChainId", x.LocalRedirectChainID != nil}, {"asNumber", x.ASNumber != 0},
		{"serviceContainerId", x.ServiceContainerID != nil}, {"rtrPortVni", given(x.RouterPortVNI) != 0}, {"offRampVxlan", given(x.OffRampVXLAN)},
		{"vlanId", given(x.VLANID) != 0}, {"vifId", x.VIFID != nil},
	} {
		if p.set {
			return unsupported(p.name)
		}
	}
	if len(x.VxLANPortIDs) > 0 {
		return errs.New(errs.Invalid, "NotSettable", "VXLAN port ID cannot be set directly. The VXLAN port is created or deleted in response to "+
			"the creation or deletion of VTEP bindings.")
	}
	return nil
}

// uriMAC is how a URI has a MAC address (ResourceUris.macToUri).
func uriMAC(hw string) string { return strings.ReplaceAll(hw, ":", "-") }
