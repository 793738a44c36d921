package rest

import (
	"encoding/json"
	"fmt"
	"net/http"

	"midonet.org/midonet/neutron/journal"
)

// Call is one request to the MidoNet API.
type Call struct {
	Method string
	Link   string // the key in the Neutron document under which the URI stands
	ID     string // what {id} in the URI stands for; empty: nothing
	Media  string // type of the body, and of the answer's
	Body   string
}

// noBody is what python-midonetclient sends where there is nothing to say.
const noBody = "{}"

// kind is how one kind of resource is spoken of (midonetclient/neutron/network.py, l3.py, securitygroup.py and media_type.py).
type kind struct {
	all, one string // links
	media    string
	// itself are the attributes that, with the identifier, make a resource the one that a task creates. They stay as they were made, and
	// MidoNet shows them as it was given them.
	itself []string
}

var kinds = map[journal.DataType]kind{
	journal.Network:           {"networks", "network_template", mediaOf("Network"), []string{"tenant_id"}},
	journal.Subnet:            {"subnets", "subnet_template", mediaOf("Subnet"), []string{"network_id", "cidr"}},
	journal.Port:              {"ports", "port_template", mediaOf("Port"), []string{"network_id", "mac_address"}},
	journal.Router:            {"routers", "router_template", mediaOf("Router"), []string{"tenant_id"}},
	journal.FloatingIP:        {"floating_ips", "floating_ip_template", mediaOf("FloatingIp"), []string{"floating_network_id", "floating_ip_address"}},
	journal.SecurityGroup:     {"security_groups", "security_group_template", mediaOf("SecurityGroup"), []string{"tenant_id"}},
	journal.SecurityGroupRule: {"security_group_rules", "security_group_rule_template", mediaOf("SecurityGroupRule"), []string{"security_group_id", "direction"}},
}

func mediaOf(class string) string { return "application/vnd.org.midonet.neutron." + class + "-v1+json" }

// CallOf returns the request that a task becomes. There is none for what MidoNet's API does not have.
func CallOf(t journal.Task) (Call, error) {
	if t.DataType == journal.RouterInterface {
		return interfaceCall(t)
	}
	k, ok := kinds[t.DataType]
	if !ok {
		return Call{}, fmt.Errorf("the MidoNet API has no %s", t.DataType)
	}
	switch t.Type {
	case journal.Create:
		return Call{Method: http.MethodPost, Link: k.all, Media: k.media, Body: string(t.Data)}, nil
	case journal.Update:
		return Call{Method: http.MethodPut, Link: k.one, ID: t.ResourceID, Media: k.media, Body: string(t.Data)}, nil
	case journal.Delete:
		return Call{Method: http.MethodDelete, Link: k.one, ID: t.ResourceID, Body: noBody}, nil
	}
	return Call{}, fmt.Errorf("task type %q is not known", t.Type)
}

// interfaceCall tells of a router's interface; the router is what the action's answer calls its id.
func interfaceCall(t journal.Task) (Call, error) {
	var answer struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(t.Data, &answer); err != nil {
		return Call{}, fmt.Errorf("the interface of a router: %w", err)
	}
	c := Call{Method: http.MethodPut, Link: "add_router_interface_template", ID: answer.ID, Media: mediaOf("RouterInterface"), Body: string(t.Data)}
	if t.Type == journal.Delete {
		c.Link = "remove_router_interface_template"
	}
	return c, nil
}
