package nova

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// network: a server that is given a network gets a port there, which is bound to its host and named like the server, runs when the interface is
// plugged, and takes all that away again.
func (o *openstack) network(t *testing.T) {
	s := o.boot(t, "first", "--network n")
	p := o.portOf(t, s.ID)
	o.isOn(t, s.Host, s, p)
	if p.DNSName != "first" {
		t.Errorf("the port's name is %q, want the server's", p.DNSName)
	}
	if len(p.addresses()) != 2 {
		t.Errorf("addresses %v, want one of each family", p.addresses())
	}
	o.has(t, s.ID, "n", p.addresses()...)
	var found []struct{ Name string }
	read(t, o.user, &found, "server list --ip "+strings.TrimSuffix(p.addresses()[0], ".0"))
	if len(found) != 1 || found[0].Name != "first" {
		t.Errorf("by its address are found %+v", found)
	}
	o.delete(t, s.ID)
	if left := o.ports(t, s.ID); len(left) > 0 {
		t.Errorf("the server has gone, and its ports are there: %+v", left)
	}
	if o.hasInterface(s.Host, p.tap()) {
		t.Errorf("%s has the interface still", s.Host)
	}
}

// given: a port that a user has made is the server's for as long as the server is, and the user's after that.
func (o *openstack) given(t *testing.T) {
	var p port
	do(t, o.user, "port create --network n --fixed-ip ip-address=10.0.0.77 --security-group web mine")
	read(t, o.admin, &p, "port show mine")
	s := o.boot(t, "given", "--port "+p.ID)
	o.isOn(t, s.Host, s, o.port(t, p.ID))
	o.has(t, s.ID, "n", o.port(t, p.ID).addresses()...)
	if ok, text := o.user.Run(t, strings.Fields("server create --image tiny --flavor small --port "+p.ID+" second")); ok || !strings.Contains(text, "in use") {
		t.Errorf("another server with the same port: %v, %s", ok, text)
	}
	o.delete(t, s.ID)
	eventually(t, "the port is nobody's", func() error {
		if p = o.port(t, p.ID); p.DeviceID != "" || p.DeviceOwner != "" || p.HostID != "" || p.VIFType != "unbound" || p.Status != "DOWN" || p.DNSName != "" {
			return fmt.Errorf("it is %+v", p)
		}
		return nil
	})
	do(t, o.user, "port delete "+p.ID)
}

// asked: the address, the security groups and the number of servers that are asked for.
func (o *openstack) asked(t *testing.T) {
	var network struct{ ID string }
	read(t, o.user, &network, "network show n")
	s := o.boot(t, "asked", "--nic net-id="+network.ID+",v4-fixed-ip=10.0.0.99 --security-group web")
	p := o.portOf(t, s.ID)
	if !slices.Contains(p.addresses(), "10.0.0.99") {
		t.Errorf("addresses %v", p.addresses())
	}
	o.inGroups(t, s.ID, "web")
	do(t, o.user, "server add security group asked default")
	o.inGroups(t, s.ID, "default", "web")
	do(t, o.user, "server remove security group asked web")
	o.inGroups(t, s.ID, "default")
	if ok, text := o.user.Run(t, strings.Fields("server create --image tiny --flavor small --nic net-id="+network.ID+",v4-fixed-ip=10.0.0.99 late")); ok || !strings.Contains(text, "10.0.0.99") {
		t.Errorf("another server with the same address: %v, %s", ok, text)
	}
	o.delete(t, s.ID)
}

// inGroups fails the test unless the server's port has these security groups, and Nova says so.
func (o *openstack) inGroups(t *testing.T, serverID string, want ...string) {
	t.Helper()
	var of, shown []string
	for _, id := range o.portOf(t, serverID).SecurityGroups {
		var answer struct {
			Group struct{ Name string } `json:"security_group"`
		}
		o.cloud.Call(t, "GET", "/v2.0/security-groups/"+id, nil, &answer)
		of = append(of, answer.Group.Name)
	}
	for _, g := range o.server(t, serverID).SecurityGroups {
		shown = append(shown, g.Name)
	}
	slices.Sort(of)
	slices.Sort(shown)
	if !slices.Equal(of, want) || !slices.Equal(shown, want) {
		t.Errorf("the port is in %v, Nova shows %v, want %v", of, shown, want)
	}
}

// floating: Nova learns from an event that a server has got or lost a floating address.
func (o *openstack) floating(t *testing.T) {
	s := o.boot(t, "floating", "--network n")
	p := o.portOf(t, s.ID)
	var fip struct {
		ID      string
		Address string `json:"floating_ip_address"`
	}
	read(t, o.user, &fip, "floating ip create public")
	do(t, o.user, "server add floating ip floating "+fip.Address)
	o.has(t, s.ID, "n", append(p.addresses(), fip.Address)...)
	do(t, o.user, "server remove floating ip floating "+fip.Address)
	o.has(t, s.ID, "n", p.addresses()...)
	do(t, o.user, "floating ip set --port "+p.ID+" "+fip.ID)
	o.has(t, s.ID, "n", append(p.addresses(), fip.Address)...)
	do(t, o.user, "floating ip delete "+fip.ID)
	o.has(t, s.ID, "n", p.addresses()...)
	o.delete(t, s.ID)
}

// interfaces come and go while a server runs, whoever takes them away.
func (o *openstack) interfaces(t *testing.T) {
	s := o.boot(t, "more", "--network n")
	first := o.portOf(t, s.ID)
	do(t, o.user, "port create --network m second")
	do(t, o.user, "server add port more second")
	var second port
	read(t, o.admin, &second, "port show second")
	o.isOn(t, s.Host, s, second)
	second = o.port(t, second.ID)
	o.has(t, s.ID, "m", second.addresses()...)
	do(t, o.user, "server add network more m")
	eventually(t, "the server has three ports", func() error {
		if n := len(o.ports(t, s.ID)); n != 3 {
			return fmt.Errorf("it has %d", n)
		}
		return nil
	})
	do(t, o.user, "server remove network more m")
	eventually(t, "it has one", func() error {
		if all := o.ports(t, s.ID); len(all) != 1 {
			return fmt.Errorf("it has %+v", all)
		}
		return nil
	})
	o.has(t, s.ID, "m")
	if o.hasInterface(s.Host, second.tap()) {
		t.Errorf("%s has the interface of the port that was removed", s.Host)
	}

	do(t, o.user, "server add fixed ip --fixed-ip-address 10.1.0.44 more m")
	third := o.ports(t, s.ID)
	o.has(t, s.ID, "m", "10.1.0.44")
	for _, p := range third {
		if p.ID != first.ID { // deleted behind Nova's back, when it has heard all else of it
			o.heard(t, s.Host, "network-vif-plugged-"+p.ID)
			o.cloud.Call(t, "DELETE", "/v2.0/ports/"+p.ID, nil, nil)
			eventually(t, "the interface has gone", func() error {
				if o.hasInterface(s.Host, p.tap()) {
					return fmt.Errorf("%s is on %s", p.tap(), s.Host)
				}
				return nil
			})
		}
	}
	o.has(t, s.ID, "m")
	do(t, o.user, "port delete second")
	o.delete(t, s.ID)
}

// heard waits until nova-compute has been told something that it was not waiting for.
func (o *openstack) heard(t *testing.T, host, event string) {
	t.Helper()
	eventually(t, "nova-compute is told "+event, func() error {
		log, err := os.ReadFile(o.path("nova-compute." + host + ".log"))
		if err == nil && !strings.Contains(string(log), "Received unexpected event "+event) {
			err = errors.New("its log does not say so")
		}
		return err
	})
}

// shared: the port on a network of another project's, here without port security, is the server's project's.
func (o *openstack) shared(t *testing.T) {
	do(t, o.admin, "network create --share --disable-port-security open")
	do(t, o.admin, "subnet create open4 --network open --subnet-range 10.2.0.0/24")
	s := o.boot(t, "open", "--network open")
	p := o.portOf(t, s.ID)
	o.isOn(t, s.Host, s, p)
	var mine []struct{ ID string }
	read(t, o.user, &mine, "port list --server open")
	if len(mine) != 1 || mine[0].ID != p.ID || len(p.SecurityGroups) > 0 {
		t.Errorf("the user's ports are %+v; the server's is %+v", mine, p)
	}
	o.delete(t, s.ID)
	do(t, o.admin, "network delete open")
}

// several servers of one request have a port each.
func (o *openstack) several(t *testing.T) {
	do(t, o.user, "server create --image tiny --flavor small --network m --min 3 --max 3 several")
	names := []string{"several-1", "several-2", "several-3"}
	for _, name := range names {
		var s struct{ ID string }
		read(t, o.user, &s, "server show "+name)
		o.becomes(t, s.ID, "ACTIVE")
		if p := o.portOf(t, s.ID); p.DNSName != name {
			t.Errorf("the port of %s is called %q", name, p.DNSName)
		}
		o.delete(t, s.ID)
	}
}

// automatic: a project without networks gets its own when it asks for any; one that has several is to say which.
func (o *openstack) automatic(t *testing.T) {
	o.cloud.Project(t, "red")
	red := o.cloud.Client(t, "red", "--os-compute-api-version", computeAPI)
	var made struct{ ID string }
	read(t, red, &made, "server create --image tiny --flavor small --nic auto automatic")
	s := o.becomes(t, made.ID, "ACTIVE")
	p := o.portOf(t, s.ID)
	o.isOn(t, s.Host, s, p)
	var answer struct{ Network struct{ Name string } }
	o.cloud.Call(t, "GET", "/v2.0/networks/"+p.NetworkID, nil, &answer)
	if answer.Network.Name != "auto_allocated_network" {
		t.Errorf("the network is %q", answer.Network.Name)
	}
	o.delete(t, s.ID)
	do(t, red, "network auto allocated topology delete")
	if ok, text := o.user.Run(t, strings.Fields("server create --image tiny --flavor small --nic auto ambiguous")); ok || !strings.Contains(text, "Multiple possible networks") {
		t.Errorf("any of several networks: %v, %s", ok, text)
	}
	without := o.boot(t, "without", "--nic none")
	if all := o.ports(t, without.ID); len(all) > 0 {
		t.Errorf("a server without a network has %+v", all)
	}
	o.delete(t, without.ID)
}

// quota: what is over the project's quota of ports Nova refuses before it makes anything.
func (o *openstack) quota(t *testing.T) {
	var project struct{ ID string }
	read(t, o.admin, &project, "project show blue")
	o.cloud.Call(t, "PUT", "/v2.0/quotas/"+project.ID, map[string]any{"quota": map[string]any{"port": 0}}, nil)
	defer o.cloud.Call(t, "DELETE", "/v2.0/quotas/"+project.ID, nil, nil)
	if ok, text := o.user.Run(t, strings.Fields("server create --image tiny --flavor small --network n over")); ok || !strings.Contains(text, "ports") {
		t.Errorf("a server with a port over the quota: %v, %s", ok, text)
	}
}

// moves: a server's ports go with it, running or not, and come back with it.
func (o *openstack) moves(t *testing.T) {
	s := o.boot(t, "mover", "--network n")
	p := o.portOf(t, s.ID)
	from := s.Host
	to := map[string]string{"host1": "host2", "host2": "host1"}[from]

	do(t, o.admin, "server migrate --live-migration --host "+to+" "+s.ID)
	o.becomesOn(t, &s, "ACTIVE", to)
	o.isOn(t, to, s, p)

	do(t, o.user, "server resize --flavor big mover")
	o.becomesOn(t, &s, "VERIFY_RESIZE", from)
	o.isOn(t, from, s, p)
	do(t, o.user, "server resize revert mover")
	o.becomesOn(t, &s, "ACTIVE", to)
	o.isOn(t, to, s, p)

	do(t, o.admin, "server migrate "+s.ID)
	o.becomesOn(t, &s, "VERIFY_RESIZE", from)
	do(t, o.user, "server migration confirm mover")
	o.becomesOn(t, &s, "ACTIVE", from)
	o.isOn(t, from, s, p)
	o.has(t, s.ID, "n", p.addresses()...)

	do(t, o.user, "server shelve mover")
	o.becomes(t, s.ID, "SHELVED_OFFLOADED")
	eventually(t, "the port is down, and the server's still", func() error {
		if now := o.port(t, p.ID); now.Status != "DOWN" || now.DeviceID != s.ID {
			return fmt.Errorf("it is %s, and of %q", now.Status, now.DeviceID)
		}
		return nil
	})
	do(t, o.user, "server unshelve mover")
	s = o.becomes(t, s.ID, "ACTIVE")
	o.isOn(t, s.Host, s, p)
	o.delete(t, s.ID)
}

// becomesOn is becomes on a host.
func (o *openstack) becomesOn(t *testing.T, s *server, status, host string) {
	t.Helper()
	eventually(t, "the server is "+status+" on "+host, func() error {
		if *s = o.server(t, s.ID); s.Host != host || s.Status != status || s.Task != nil {
			return fmt.Errorf("it is %s on %s", s.Status, s.Host)
		}
		return nil
	})
}

// away: what happens while Nova does not answer it is told when it is back; until then no server that waits for its interface runs.
func (o *openstack) away(t *testing.T) {
	s := o.boot(t, "known", "--network n")
	known := o.portOf(t, s.ID)
	var fip struct {
		Address string `json:"floating_ip_address"`
	}
	read(t, o.user, &fip, "floating ip create public")
	var made server
	read(t, o.user, &made, "server create --image tiny --flavor small --network n waits")
	o.api.Stop()
	do(t, o.user, "floating ip set --port "+known.ID+" "+fip.Address)
	eventually(t, "the new server's port is active", func() error {
		all := o.ports(t, made.ID)
		if len(all) != 1 || all[0].Status != "ACTIVE" {
			return fmt.Errorf("its ports are %+v", all)
		}
		return nil
	})
	back := time.Now().Truncate(time.Second)
	o.startAPI(t)
	o.becomes(t, made.ID, "ACTIVE")
	if built := o.builtAt(t, made.ID); built.Before(back) {
		t.Errorf("the server ran from %v on, and Nova could not be told before %v that its interface was plugged", built, back)
	}
	o.has(t, s.ID, "n", append(known.addresses(), fip.Address)...)
	o.delete(t, made.ID)
	o.delete(t, s.ID)
	do(t, o.user, "floating ip delete "+fip.Address)
}

// lost: the servers of a host that is lost begin anew on another.
func (o *openstack) lost(t *testing.T) {
	s := o.boot(t, "survivor", "--network n")
	p := o.portOf(t, s.ID)
	to := map[string]string{"host1": "host2", "host2": "host1"}[s.Host]
	var services struct {
		Services []struct{ ID, Host, Binary string }
	}
	o.nova(t, "GET", "/os-services?binary=nova-compute&host="+s.Host, nil, &services)
	down := func(is bool) {
		if status := o.nova(t, "PUT", "/os-services/"+services.Services[0].ID, map[string]any{"forced_down": is}, nil); status != http.StatusOK {
			t.Fatalf("forced_down: %d", status)
		}
	}
	down(true)
	if status := o.nova(t, "POST", "/servers/"+s.ID+"/action", map[string]any{"evacuate": map[string]any{}}, nil); status != http.StatusOK {
		t.Fatalf("evacuate: %d", status)
	}
	o.becomesOn(t, &s, "ACTIVE", to)
	eventually(t, "the port is on the other host", func() error {
		if now := o.port(t, p.ID); now.HostID != to || now.Status != "ACTIVE" {
			raw, err := json.Marshal(now)
			return fmt.Errorf("it is %s, %v", raw, err)
		}
		return nil
	})
	o.delete(t, s.ID)
	down(false)
}
