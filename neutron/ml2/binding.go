package ml2

import (
	"encoding/json"

	"midonet.org/midonet/neutron/apidef"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/store"
)

// The kinds of binding (neutron_lib/api/definitions/portbindings.py).
const (
	vifUnbound = "unbound"
	vifFailed  = "binding_failed"
	vifMidonet = "midonet"
	vnicNormal = "normal"
)

// midonetDetails tells Nova's vif driver what it needs to know of an interface that MidoNet plugs.
var midonetDetails = json.RawMessage(`{"port_filter": true, "connectivity": "l2"}`)

// bind works out the binding from the host and the kind of interface. MidoNet binds normal interfaces alone, to any host that is
// named: whether its agent is alive shows in the port's status, not here.
func bind(p *model.Port) {
	if p.VNICType == "" {
		p.VNICType = vnicNormal
	}
	if len(p.Profile) == 0 || string(p.Profile) == "null" {
		p.Profile = json.RawMessage("{}")
	}
	switch {
	case p.HostID == "":
		p.VIFType = vifUnbound
	case p.VNICType == vnicNormal:
		p.VIFType = vifMidonet
	default:
		p.VIFType = vifFailed
	}
}

// profileSize is the length of a profile's JSON form, in octets (BINDING_PROFILE_LEN in neutron/plugins/ml2/models.py).
const profileSize = 4095

// checkProfile refuses a profile that is too long to be kept (_process_port_binding_attributes).
func checkProfile(profile json.RawMessage) error {
	if len(profile) > profileSize {
		return apidef.InvalidInput("binding:profile value too large")
	}
	return nil
}

// detailsOf returns what the compute service is told of a kind of binding.
func detailsOf(vifType string) json.RawMessage {
	if vifType == vifMidonet {
		return midonetDetails
	}
	return json.RawMessage("{}")
}

// describe fills in what a port shows besides what is stored: the details that follow from the kind of binding, and the names of its
// addresses.
func (p *Plugin) describe(port *model.Port) *model.Port {
	port.VIFDetails = detailsOf(port.VIFType)
	port.DNSAssignment = port.NamesUnder(p.dnsDomain())
	return port
}

// described reads ports with what describe adds, which goes by the domain of the configuration.
func (p *Plugin) described() store.Shared[model.Port] {
	return store.Ports.Finished("dns_domain "+p.dnsDomain(), func(port *model.Port) { p.describe(port) })
}

// recordedPort is the port as the backend learns of it: without the names, which follow from the configuration.
func (p *Plugin) recordedPort(port *model.Port) *model.Port {
	own := *p.describe(port)
	own.DNSAssignment = nil
	return &own
}

// statusWhenBound is the status of a port of which no host reports: the MidoNet mechanism driver's (bind_port), where administrators have
// not set the port down.
func statusWhenBound(p *model.Port) model.Status {
	if p.VIFType == vifMidonet && p.AdminStateUp {
		return model.StatusActive
	}
	return model.StatusDown
}

// rebind applies a change of the binding. It leaves the status alone, which is the hosts' to say: the interface may be up before the
// compute service names the host, and no one would say so again.
func rebind(p *model.Port, body plugin.Body[model.Port]) error {
	v := body.Value
	if body.Has("binding:vnic_type") && v.VNICType != p.VNICType && p.VIFType == vifMidonet {
		return portInUse(p)
	}
	set(body.Has("binding:vnic_type"), &p.VNICType, v.VNICType)
	set(body.Has("binding:host_id"), &p.HostID, v.HostID)
	set(body.Has("binding:profile"), &p.Profile, v.Profile)
	bind(p)
	return checkProfile(p.Profile)
}
