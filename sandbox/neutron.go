package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/id"
)

// neutron is a client of the few calls of the Networking API v2.0 that the sandbox makes. It sends no token: a sandbox's server
// runs without authentication, on the loopback interface.
type neutron struct {
	base string
	http *http.Client
}

func newNeutron(base string) *neutron {
	return &neutron{base: strings.TrimSuffix(base, "/"), http: &http.Client{Timeout: 30 * time.Second}}
}

// port is the part of a Neutron port that the sandbox reads.
type port struct {
	ID        string    `json:"id"`
	NetworkID string    `json:"network_id"`
	MAC       string    `json:"mac_address"`
	Status    string    `json:"status"`
	DeviceID  string    `json:"device_id"`
	FixedIPs  []fixedIP `json:"fixed_ips"`

	DeviceOwner string `json:"device_owner"`
}

type fixedIP struct {
	SubnetID string     `json:"subnet_id,omitempty"`
	Address  netip.Addr `json:"ip_address"`
}

// network is the part of a Neutron network that the sandbox reads.
type network struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description"`
	MTU         int    `json:"mtu"`
}

// subnet is the part of a Neutron subnet that the sandbox reads.
type subnet struct {
	ID   string       `json:"id"`
	CIDR netip.Prefix `json:"cidr"`
	DHCP bool         `json:"enable_dhcp"`

	Gateway *netip.Addr `json:"gateway_ip"`
	RAMode  *string     `json:"ipv6_ra_mode"`
}

// portRequest is what the sandbox sets on a port. A nil field is left as it is.
type portRequest struct {
	NetworkID   string  `json:"network_id,omitempty"`
	Name        string  `json:"name,omitempty"`
	DeviceOwner *string `json:"device_owner,omitempty"`
	DeviceID    *string `json:"device_id,omitempty"`
	HostID      *string `json:"binding:host_id,omitempty"`

	FixedIPs []fixedIP       `json:"fixed_ips,omitempty"`
	Profile  *bindingProfile `json:"binding:profile,omitempty"`
}

// bindingProfile says which interface of its host a port on an uplink network is.
type bindingProfile struct {
	Interface string `json:"interface_name"`
}

// networkRequest and subnetRequest are what the sandbox asks for.
type networkRequest struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	External    bool   `json:"router:external,omitempty"`
	Type        string `json:"provider:network_type,omitempty"`
}

type subnetRequest struct {
	NetworkID string `json:"network_id"`
	Name      string `json:"name"`
	IPVersion int    `json:"ip_version"`
	CIDR      string `json:"cidr"`
	DHCP      *bool  `json:"enable_dhcp,omitempty"`
}

func (n *neutron) createPort(ctx context.Context, p portRequest) (port, error) {
	var made struct{ Port port }
	err := n.call(ctx, http.MethodPost, "ports", nil, map[string]portRequest{"port": p}, &made)
	return made.Port, err
}

func (n *neutron) updatePort(ctx context.Context, id string, p portRequest) (port, error) {
	var now struct{ Port port }
	err := n.call(ctx, http.MethodPut, "ports/"+id, nil, map[string]portRequest{"port": p}, &now)
	return now.Port, err
}

func (n *neutron) port(ctx context.Context, id string) (port, error) {
	var now struct{ Port port }
	err := n.call(ctx, http.MethodGet, "ports/"+id, nil, nil, &now)
	return now.Port, err
}

// portsOf lists the ports whose device_id is the given one.
func (n *neutron) portsOf(ctx context.Context, device string) ([]port, error) {
	var found struct{ Ports []port }
	err := n.call(ctx, http.MethodGet, "ports", url.Values{"device_id": {device}}, nil, &found)
	// What comes back will be deleted: trust no filter with that.
	return slices.DeleteFunc(found.Ports, func(p port) bool { return p.DeviceID != device }), err
}

func (n *neutron) deletePort(ctx context.Context, id string) error {
	return n.remove(ctx, "ports/"+id)
}

func (n *neutron) network(ctx context.Context, id string) (network, error) {
	var found struct{ Network network }
	err := n.call(ctx, http.MethodGet, "networks/"+id, nil, nil, &found)
	return found.Network, err
}

// findNetwork finds a network by UUID or by name.
func (n *neutron) findNetwork(ctx context.Context, nameOrID string) (network, error) {
	if isUUID(nameOrID) {
		return n.network(ctx, nameOrID)
	}
	found, err := n.networksNamed(ctx, nameOrID)
	switch {
	case err != nil:
		return network{}, err
	case len(found) == 0:
		return network{}, errs.New(errs.NotFound, "NetworkNotFound", "there is no network %q", nameOrID)
	case len(found) > 1:
		return network{}, errs.New(errs.Conflict, "NetworkAmbiguous", "%d networks are called %q: name one by its UUID", len(found), nameOrID)
	}
	return found[0], nil
}

func isUUID(s string) bool {
	_, err := id.Parse[network](s)
	return err == nil && s != ""
}

func (n *neutron) networksNamed(ctx context.Context, name string) ([]network, error) {
	var found struct{ Networks []network }
	err := n.call(ctx, http.MethodGet, "networks", url.Values{"name": {name}}, nil, &found)
	return found.Networks, err
}

func (n *neutron) createNetwork(ctx context.Context, r networkRequest) (network, error) {
	var made struct{ Network network }
	err := n.call(ctx, http.MethodPost, "networks", nil, map[string]networkRequest{"network": r}, &made)
	return made.Network, err
}

func (n *neutron) deleteNetwork(ctx context.Context, id string) error {
	return n.remove(ctx, "networks/"+id)
}

func (n *neutron) createSubnet(ctx context.Context, r subnetRequest) error {
	return n.call(ctx, http.MethodPost, "subnets", nil, map[string]subnetRequest{"subnet": r}, nil)
}

func (n *neutron) subnets(ctx context.Context, networkID string) ([]subnet, error) {
	var found struct{ Subnets []subnet }
	err := n.call(ctx, http.MethodGet, "subnets", url.Values{"network_id": {networkID}}, nil, &found)
	return found.Subnets, err
}

// remove deletes the resource at path; one that is gone already is no error.
func (n *neutron) remove(ctx context.Context, path string) error {
	err := n.call(ctx, http.MethodDelete, path, nil, nil, nil)
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	return err
}

// call makes one request below /v2.0/. body and into may be nil.
func (n *neutron) call(ctx context.Context, method, path string, query url.Values, body, into any) error {
	content, err := jsonBody(body)
	if err != nil {
		return err
	}
	target := n.base + "/v2.0/" + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, target, content)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := n.http.Do(req)
	if err != nil {
		return unreachable("the Networking API at "+n.base, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		return neutronFault(method, path, resp)
	}
	if into == nil {
		return nil
	}
	return json.NewDecoder(resp.Body).Decode(into)
}

// jsonBody renders a request's body; Neutron refuses any, even "null", where it expects none.
func jsonBody(body any) (io.Reader, error) {
	if body == nil {
		return http.NoBody, nil
	}
	text, err := json.Marshal(body)
	return bytes.NewReader(text), err
}

// unreachable explains a connection that was not made. It is an errs.Unavailable.
func unreachable(what string, err error) error {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return errs.New(errs.Unavailable, "ServerUnreachable", "cannot reach %s: is `midonet server` running?", what).Wrap(op.Err)
	}
	return err
}

// neutronFault reads Neutron's error body (api-ref, "Faults").
func neutronFault(method, path string, resp *http.Response) error {
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	var body struct {
		NeutronError struct{ Type, Message string }
	}
	message := strings.TrimSpace(string(text))
	if json.Unmarshal(text, &body) == nil && body.NeutronError.Message != "" {
		message = body.NeutronError.Message
	}
	kind := errs.Internal
	switch resp.StatusCode {
	case http.StatusBadRequest:
		kind = errs.Invalid
	case http.StatusNotFound:
		kind = errs.NotFound
	case http.StatusConflict:
		kind = errs.Conflict
	case http.StatusServiceUnavailable:
		kind = errs.Unavailable
	}
	return errs.New(kind, body.NeutronError.Type, "%s /v2.0/%s: %s: %s", method, path, resp.Status, message)
}
