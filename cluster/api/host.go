package api

import (
	"context"
	"net/http"
	"net/netip"

	"midonet.org/midonet/cluster/nsdb/mirror"
	"midonet.org/midonet/cluster/operator"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/id"
	"midonet.org/midonet/topology"
)

const (
	mediaHost           = "application/vnd.org.midonet.Host-v3+json"
	mediaHosts          = "application/vnd.org.midonet.collection.Host-v3+json"
	mediaInterface      = "application/vnd.org.midonet.Interface-v1+json"
	mediaInterfaces     = "application/vnd.org.midonet.collection.Interface-v1+json"
	mediaInterfacePort  = "application/vnd.org.midonet.HostInterfacePort-v1+json"
	mediaInterfacePorts = "application/vnd.org.midonet.collection.HostInterfacePort-v1+json"
)

// Binder changes which interface of which host a port is plugged into, in turn with the hosts' own calls (cluster/stream).
type Binder interface {
	BindFor(ctx context.Context, want topology.Binding) error
	UnbindFor(ctx context.Context, host topology.HostID, port topology.PortID) error
}

// host is models/Host.java.
type host struct {
	ID                    topology.HostID `json:"id"`
	Name                  string          `json:"name"`
	Addresses             []netip.Addr    `json:"addresses"`
	HostInterfaces        []hostInterface `json:"hostInterfaces"`
	Alive                 bool            `json:"alive"`
	FloodingProxyWeight   int             `json:"floodingProxyWeight"`
	ContainerWeight       int             `json:"containerWeight"`
	ContainerLimit        int             `json:"containerLimit"`
	EnforceContainerLimit bool            `json:"enforceContainerLimit"`
	URI                   string          `json:"uri"`
	Interfaces            string          `json:"interfaces"`
	Ports                 string          `json:"ports"`
}

// hostInterface is models/Interface.java. What kind of interface it is the agents do not report.
type hostInterface struct {
	HostID    topology.HostID `json:"hostId"`
	Name      string          `json:"name"`
	MAC       *string         `json:"mac"`
	MTU       int             `json:"mtu"`
	Type      string          `json:"type"`
	Endpoint  string          `json:"endpoint"`
	PortType  *string         `json:"portType"`
	Addresses []netip.Addr    `json:"addresses"`
	Status    int             `json:"status"` // 1: up, 2: has a link
	URI       string          `json:"uri"`
}

// hostInterfacePort is models/HostInterfacePort.java: a binding.
type hostInterfacePort struct {
	PortID        topology.PortID `json:"portId"`
	HostID        topology.HostID `json:"hostId"`
	InterfaceName string          `json:"interfaceName"`
	URI           string          `json:"uri"`
	Host          string          `json:"host"`
	Port          string          `json:"port"`
}

func (a *API) hostRoutes() {
	a.serve("/hosts",
		endpoint{http.MethodGet, nil, []string{mediaHosts, mediaJSON}, listHosts},
		endpoint{http.MethodPost, []string{mediaHost, mediaJSON}, nil, a.createHost},
	)
	a.serve("/hosts/{id}",
		endpoint{http.MethodGet, nil, []string{mediaHost, mediaJSON}, getHost},
		endpoint{http.MethodPut, []string{mediaHost, mediaJSON}, nil, a.updateHost},
		endpoint{http.MethodDelete, nil, nil, a.deleteHost},
	)
	a.serve("/hosts/{id}/interfaces", endpoint{http.MethodGet, nil, []string{mediaInterfaces, mediaJSON}, listInterfaces})
	a.serve("/hosts/{id}/interfaces/{name}", endpoint{http.MethodGet, nil, []string{mediaInterface, mediaJSON}, getInterface})
	a.serve("/hosts/{id}/ports",
		endpoint{http.MethodGet, nil, []string{mediaInterfacePorts}, listBindings},
		endpoint{http.MethodPost, []string{mediaInterfacePort, mediaJSON}, nil, a.bind},
	)
	a.serve("/hosts/{id}/ports/{port}",
		endpoint{http.MethodGet, nil, []string{mediaInterfacePort, mediaJSON}, getBinding},
		endpoint{http.MethodDelete, nil, nil, a.unbind},
	)
}

// host returns the host that the path names.
func (c *call) host() (*topology.Host, error) {
	named, err := c.named("id")
	if err != nil {
		return nil, err
	}
	h := mirror.Lookup[*topology.Host](c.state, topology.KindHost, named)
	if h == nil {
		return nil, noSuch("Host", named)
	}
	return h, nil
}

func noSuch(what string, named objectID) error {
	return errs.New(errs.NotFound, "NotFound", "There is no %s with ID %s.", what, named)
}

func listHosts(c *call) (reply, error) {
	hosts := []host{}
	for o := range c.state.ByKind(topology.KindHost) {
		hosts = append(hosts, c.showHost(o.(*topology.Host)))
	}
	return reply{body: hosts}, nil
}

func getHost(c *call) (reply, error) {
	h, err := c.host()
	if err != nil {
		return reply{}, err
	}
	return reply{body: c.showHost(h)}, nil
}

// writtenSettings are the weights and limits of a host as clients write them.
type writtenSettings struct {
	FloodingProxyWeight   *int  `json:"floodingProxyWeight"`
	ContainerWeight       *int  `json:"containerWeight"`
	ContainerLimit        *int  `json:"containerLimit"`
	EnforceContainerLimit *bool `json:"enforceContainerLimit"`
}

// over returns the settings with those that are written in their place.
func (b *writtenSettings) over(have *topology.HostSettings, v *violations) *topology.HostSettings {
	want := *have
	for _, p := range []struct {
		property    string
		given       *int
		to          *int
		least, most int
	}{
		{"floodingProxyWeight", b.FloodingProxyWeight, &want.FloodingProxyWeight, 0, 65535},
		{"containerWeight", b.ContainerWeight, &want.ContainerWeight, 0, maxInt},
		{"containerLimit", b.ContainerLimit, &want.ContainerLimit, -1, maxInt},
	} {
		if p.given != nil {
			*p.to = v.within(p.property, p.given, p.least, p.most)
		}
	}
	if b.EnforceContainerLimit != nil {
		want.EnforceContainerLimit = *b.EnforceContainerLimit
	}
	return &want
}

// createHost makes a host known before its agent has ever been here: by the identifier that its agent will have (midonet_host_id.properties).
func (a *API) createHost(c *call) (reply, error) {
	var body struct {
		ID   *topology.HostID `json:"id"`
		Name string           `json:"name"`
		writtenSettings
	}
	if err := c.decode(&body); err != nil {
		return reply{}, err
	}
	h := topology.Host{ID: chosen(body.ID), Name: body.Name}
	var v violations
	v.size("name", h.Name, 0, maxName)
	have := topology.DefaultHostSettings(h.ID)
	want := body.over(have, &v)
	if err := v.err(); err != nil {
		return reply{}, err
	}
	answer, err := a.edit(c, c.hostURI(h.ID), func(e *operator.Edit) error {
		made := h
		if err := e.CreateHost(&made); err != nil || *want == *have {
			return err
		}
		return e.Set(want)
	})
	if err == nil && *want != *have {
		a.unheeded(want.Key())
	}
	return answer, err
}

// updateHost changes the weights and limits, which is all of a host that can be set.
func (a *API) updateHost(c *call) (reply, error) {
	h, err := c.host()
	if err != nil {
		return reply{}, err
	}
	var body writtenSettings
	if err := c.decode(&body); err != nil {
		return reply{}, err
	}
	for _, p := range []struct {
		words string
		given bool
	}{
		{"Flooding proxy weight", body.FloodingProxyWeight != nil}, {"Container weight", body.ContainerWeight != nil},
		{"Container limit", body.ContainerLimit != nil}, {"Enforce container limit", body.EnforceContainerLimit != nil},
	} {
		if !p.given {
			return reply{}, errs.New(errs.Invalid, "Null", "%s must not be null.", p.words)
		}
	}
	var v violations
	have := c.hostSettings(h.ID)
	want := body.over(have, &v)
	if err := v.err(); err != nil {
		return reply{}, err
	}
	if *want == *have { // clients send back what they were shown
		return reply{status: http.StatusOK}, nil
	}
	if _, err := a.edit(c, "", func(e *operator.Edit) error { return e.Set(want) }); err != nil {
		return reply{}, err
	}
	a.unheeded(want.Key())
	return reply{status: http.StatusOK}, nil
}

// hostSettings are what operators have set for the host.
func (c *call) hostSettings(h topology.HostID) *topology.HostSettings {
	if s := mirror.Lookup[*topology.HostSettings](c.state, topology.KindHostSettings, h); s != nil {
		return s
	}
	return topology.DefaultHostSettings(h)
}

func (a *API) deleteHost(c *call) (reply, error) {
	h, err := c.host()
	if err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusOK}, a.Operator.DeleteHost(c.Context(), h.ID)
}

func (c *call) hostURI(h topology.HostID) string { return c.base + "/hosts/" + h.String() }

func (c *call) showHost(h *topology.Host) host {
	uri, settings := c.hostURI(h.ID), c.hostSettings(h.ID)
	interfaces := c.interfaces(h.ID)
	addresses := []netip.Addr{}
	for _, i := range interfaces {
		addresses = append(addresses, i.Addresses...)
	}
	return host{
		ID: h.ID, Name: h.Name, Addresses: addresses, HostInterfaces: interfaces, Alive: c.hostState(h.ID) != nil,
		FloodingProxyWeight: settings.FloodingProxyWeight, ContainerWeight: settings.ContainerWeight, ContainerLimit: settings.ContainerLimit,
		EnforceContainerLimit: settings.EnforceContainerLimit,
		URI:                   uri, Interfaces: uri + "/interfaces", Ports: uri + "/ports",
	}
}

// hostState is nil while the host's agent is away.
func (c *call) hostState(h topology.HostID) *topology.HostState {
	return mirror.Lookup[*topology.HostState](c.state, topology.KindHostState, h)
}

// interfaces are those that a live host reports.
func (c *call) interfaces(h topology.HostID) []hostInterface {
	interfaces := []hostInterface{}
	state := c.hostState(h)
	if state == nil {
		return interfaces
	}
	for _, i := range state.Interfaces {
		shown := hostInterface{HostID: h, Name: i.Name, MTU: i.MTU, Type: "Unknown", Endpoint: "UNKNOWN",
			Addresses: list(i.Addrs), URI: c.hostURI(h) + "/interfaces/" + i.Name}
		if !i.MAC.IsZero() {
			shown.MAC = present(i.MAC.String())
		}
		if i.Up {
			shown.Status = 1 | 2
		}
		interfaces = append(interfaces, shown)
	}
	return interfaces
}

func listInterfaces(c *call) (reply, error) {
	h, err := c.host()
	if err != nil {
		return reply{}, err
	}
	return reply{body: c.interfaces(h.ID)}, nil
}

func getInterface(c *call) (reply, error) {
	h, err := c.host()
	if err != nil {
		return reply{}, err
	}
	for _, i := range c.interfaces(h.ID) {
		if i.Name == c.PathValue("name") {
			return reply{body: i}, nil
		}
	}
	return reply{}, errs.New(errs.NotFound, "NotFound", "Interface not found")
}

func (c *call) showBinding(b *topology.Binding) hostInterfacePort {
	return hostInterfacePort{
		PortID: b.Port, HostID: b.Host, InterfaceName: b.Interface,
		URI: c.bindingURI(b.Host, b.Port), Host: c.hostURI(b.Host), Port: c.portURI(b.Port),
	}
}

func (c *call) bindingURI(h topology.HostID, p topology.PortID) string {
	return c.hostURI(h) + "/ports/" + p.String()
}

func listBindings(c *call) (reply, error) {
	h, err := c.host()
	if err != nil {
		return reply{}, err
	}
	bindings := []hostInterfacePort{}
	for b := range c.state.Bindings(h.ID) {
		bindings = append(bindings, c.showBinding(b))
	}
	return reply{body: bindings}, nil
}

func getBinding(c *call) (reply, error) {
	h, err := c.host()
	if err != nil {
		return reply{}, err
	}
	named, err := c.named("port")
	if err != nil {
		return reply{}, err
	}
	b := mirror.Lookup[*topology.Binding](c.state, topology.KindBinding, named)
	if b == nil || b.Host != h.ID {
		return reply{}, errs.New(errs.NotFound, "NotFound", "Host interface port not found")
	}
	return reply{body: c.showBinding(b)}, nil
}

func (a *API) bind(c *call) (reply, error) {
	h, err := c.host()
	if err != nil {
		return reply{}, err
	}
	var body struct {
		PortID        *topology.PortID `json:"portId"`
		InterfaceName *string          `json:"interfaceName"`
	}
	if err := c.decode(&body); err != nil {
		return reply{}, err
	}
	if body.PortID == nil || body.InterfaceName == nil {
		return reply{}, errs.New(errs.Invalid, "Incomplete", "A host interface port needs portId and interfaceName.")
	}
	b := topology.Binding{Port: *body.PortID, Host: h.ID, Interface: *body.InterfaceName}
	if err := a.Bindings.BindFor(c.Context(), b); err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusCreated, location: c.bindingURI(b.Host, b.Port)}, nil
}

func (a *API) unbind(c *call) (reply, error) {
	h, err := c.host()
	if err != nil {
		return reply{}, err
	}
	named, err := c.named("port")
	if err != nil {
		return reply{}, err
	}
	return reply{}, a.Bindings.UnbindFor(c.Context(), h.ID, id.As[topology.Port](named))
}
