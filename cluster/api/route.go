package api

import (
	"encoding/json"
	"net/http"
	"net/netip"

	"midonet.org/midonet/cluster/operator"
	"midonet.org/midonet/topology"
)

var (
	mediaRoute  = []string{"application/vnd.org.midonet.Route-v1+json", mediaJSON}
	mediaRoutes = []string{"application/vnd.org.midonet.collection.Route-v1+json", mediaJSON}
)

const (
	// maxWeight is the largest weight of a route, the original's (a Java int).
	maxWeight = 1<<31 - 1
	// maxAttributes is how long the attributes of a route may be, in characters.
	maxAttributes = 1024
)

// route is models/Route.java.
type route struct {
	ID             topology.RouteID  `json:"id"`
	RouterID       topology.RouterID `json:"routerId"`
	NextHopPort    *topology.PortID  `json:"nextHopPort"`
	Attributes     *string           `json:"attributes"`
	DstNetworkAddr netip.Addr        `json:"dstNetworkAddr"`
	DstNetworkLen  int               `json:"dstNetworkLength"`
	SrcNetworkAddr netip.Addr        `json:"srcNetworkAddr"`
	SrcNetworkLen  int               `json:"srcNetworkLength"`
	NextHopGateway *netip.Addr       `json:"nextHopGateway"`
	Learned        bool              `json:"learned"`
	Type           string            `json:"type"`
	Weight         uint32            `json:"weight"`
	URI            string            `json:"uri"`
	Router         string            `json:"router"`
}

// routeTypes are the names of the kinds of route (Route.NextHop).
var routeTypes = map[topology.RouteKind]string{
	topology.RouteForward: "Normal", topology.RouteLocal: "Local", topology.RouteBlackhole: "BlackHole", topology.RouteReject: "Reject",
	topology.RouteFIP64: "Fip64",
}

func (a *API) routeRoutes() {
	a.serve("/routers/{id}/routes",
		endpoint{http.MethodGet, nil, mediaRoutes, listRoutes},
		endpoint{http.MethodPost, mediaRoute, nil, a.createRoute},
	)
	a.serve("/routes/{id}",
		endpoint{http.MethodGet, nil, mediaRoute, getRoute},
		endpoint{http.MethodDelete, nil, nil, a.delete(topology.KindRoute)},
	)
}

func (c *call) routeURI(r topology.RouteID) string { return c.base + "/routes/" + r.String() }

func listRoutes(c *call) (reply, error) {
	r, err := c.router()
	if err != nil {
		return reply{}, err
	}
	routes := []route{}
	for t := range c.state.Routes(r.ID) {
		routes = append(routes, c.showRoute(t))
	}
	return reply{body: routes}, nil
}

func getRoute(c *call) (reply, error) {
	t, err := find[*topology.Route](c, topology.KindRoute, "id")
	if err != nil {
		return reply{}, err
	}
	return reply{body: c.showRoute(t)}, nil
}

func (c *call) showRoute(t *topology.Route) route {
	source := t.Source
	if !source.IsValid() {
		source = everything(t.Destination.Addr().Is4())
	}
	return route{
		ID: t.ID, RouterID: t.Router, NextHopPort: present(t.Port), Attributes: present(t.Attributes), DstNetworkAddr: t.Destination.Addr(), DstNetworkLen: t.Destination.Bits(),
		SrcNetworkAddr: source.Addr(), SrcNetworkLen: source.Bits(), NextHopGateway: present(t.NextHop), Type: routeTypes[t.Kind],
		Weight: t.Weight, URI: c.routeURI(t.ID), Router: c.routerURI(t.Router),
	}
}

// everything is the prefix that every address of a family has.
func everything(is4 bool) netip.Prefix {
	if is4 {
		return netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	}
	return netip.PrefixFrom(netip.IPv6Unspecified(), 0)
}

// createRoute takes addresses of both families.
func (a *API) createRoute(c *call) (reply, error) {
	r, err := c.router()
	if err != nil {
		return reply{}, err
	}
	t, err := c.readRoute()
	if err != nil {
		return reply{}, err
	}
	t.Router = r.ID
	answer, err := a.edit(c, c.routeURI(t.ID), func(e *operator.Edit) error {
		made := t
		return e.CreateRoute(&made)
	})
	if err == nil && !topology.Heeded(&t) {
		a.unheeded(t.Key(), "type")
	}
	return answer, err
}

func (c *call) readRoute() (t topology.Route, err error) {
	var body struct {
		ID             *topology.RouteID `json:"id"`
		NextHopPort    *topology.PortID  `json:"nextHopPort"`
		Attributes     string            `json:"attributes"`
		DstNetworkAddr *string           `json:"dstNetworkAddr"`
		DstNetworkLen  json.Number       `json:"dstNetworkLength"`
		SrcNetworkAddr *string           `json:"srcNetworkAddr"`
		SrcNetworkLen  json.Number       `json:"srcNetworkLength"`
		NextHopGateway *string           `json:"nextHopGateway"`
		Type           string            `json:"type"`
		Weight         json.Number       `json:"weight"`
	}
	if err = c.decode(&body); err != nil {
		return t, err
	}
	var v violations
	dst := v.prefix("dstNetworkAddr", body.DstNetworkAddr, "dstNetworkLength", body.DstNetworkLen)
	src := v.prefix("srcNetworkAddr", body.SrcNetworkAddr, "srcNetworkLength", body.SrcNetworkLen)
	weight := v.number("weight", body.Weight, 0, maxWeight)
	t = topology.Route{ID: chosen(body.ID), Port: given(body.NextHopPort), Destination: dst.Masked(), Weight: uint32(weight), Attributes: body.Attributes}
	v.size("attributes", t.Attributes, 0, maxAttributes)
	for kind, name := range routeTypes {
		if name == body.Type {
			t.Kind = kind
		}
	}
	v.add(t.Kind == 0, "type", "This type of route is invalid.")
	v.add(src.IsValid() && dst.IsValid() && src.Addr().Is4() != dst.Addr().Is4(), "srcNetworkAddr", "is of another family than dstNetworkAddr")
	if src.Bits() > 0 {
		t.Source = src.Masked()
	}
	if hop := given(body.NextHopGateway); hop != "" {
		t.NextHop = v.address("nextHopGateway", hop)
		v.add(t.NextHop.IsValid() && dst.IsValid() && t.NextHop.Is4() != dst.Addr().Is4(), "nextHopGateway", "is of another family than dstNetworkAddr")
	}
	return t, v.err()
}

// address reads an IP address, and prefix one with the length beside it; both must be there.
func (v *violations) address(property, text string) netip.Addr {
	a, err := netip.ParseAddr(text)
	v.add(err != nil || a.Zone() != "" || a.Is4In6(), property, "is an invalid IP format")
	if err != nil {
		return netip.Addr{}
	}
	return a
}

func (v *violations) prefix(property string, text *string, lengthProperty string, length json.Number) netip.Prefix {
	if text == nil {
		v.add(true, property, "may not be null")
		return netip.Prefix{}
	}
	a := v.address(property, *text)
	if !a.IsValid() {
		return netip.Prefix{}
	}
	return netip.PrefixFrom(a, v.number(lengthProperty, length, 0, a.BitLen()))
}

// number reads a whole number, 0 where there is none. Clients write numbers as texts too, as the original's parser takes them.
func (v *violations) number(property string, n json.Number, least, most int) int {
	if n == "" {
		return 0
	}
	i, err := n.Int64()
	v.add(err != nil, property, "is no whole number")
	v.add(err == nil && i < int64(least), property, "must be greater than or equal to %d", least)
	v.add(err == nil && i > int64(most), property, "must be less than or equal to %d", most)
	if len(*v) > 0 {
		return least
	}
	return int(i)
}
