package l3

import (
	"midonet.org/midonet/neutron/ml2"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/quota"
)

// Session is the router service at work in a transaction of another service's, as the caller of that.
type Session struct{ r *request }

// Within returns the service in a transaction.
func (p *Plugin) Within(s *ml2.Session) Session { return Session{&request{s, p.cfg}} }

// Create makes a router, if the project's quota allows it.
func (s Session) Create(body plugin.Body[model.Router]) (*model.Router, error) {
	made, err := quota.Create(s.r.cfg.Quotas, s.r.Tx(), s.r.Caller(), []plugin.Body[model.Router]{body}, s.r.createRouter)
	if err != nil {
		return nil, err
	}
	return made[0], nil
}

// AddSubnet makes the router the gateway of a subnet.
func (s Session) AddSubnet(router model.RouterID, subnet model.SubnetID) error {
	found, err := s.r.touchedRouter(router.String())
	if err == nil {
		_, err = s.r.addBySubnet(found, subnet.String())
	}
	return err
}

// RemoveSubnet takes the router from a subnet.
func (s Session) RemoveSubnet(router model.RouterID, subnet model.SubnetID) error {
	found, err := s.r.touchedRouter(router.String())
	if err == nil {
		_, err = s.r.removeInterface(found, interfaceRequest{subnet: subnet.String()})
	}
	return err
}

// Delete removes a router.
func (s Session) Delete(router model.RouterID) error { return s.r.deleteRouter(router.String()) }
