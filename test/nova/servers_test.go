package nova

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"midonet.org/midonet/test/cloud"
	"midonet.org/midonet/test/keystone"
)

// world is what all scenarios find, besides the project blue's: an image "tiny", flavors "small" and "big", a network "n" of both families with
// a router to the external network "public".
const (
	subnet4 = "10.0.0.0/24"
	subnet6 = "fd00::/64"
)

// fill makes the world.
func (o *openstack) fill(t *testing.T) {
	t.Helper()
	disk := o.path("disk")
	if err := os.WriteFile(disk, []byte("there is nothing on it"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{
		"image create tiny --public --disk-format raw --container-format bare --file " + disk,
		"flavor create small --ram 64 --disk 1 --vcpus 1",
		"flavor create big --ram 128 --disk 1 --vcpus 1",
		"network create public --external --default",
		"subnet create public --network public --subnet-range 198.51.100.0/24 --no-dhcp",
		"subnet pool create shared --share --default --pool-prefix 10.200.0.0/16 --default-prefix-length 24",
	} {
		do(t, o.admin, command)
	}
	for _, command := range []string{
		"network create n",
		"subnet create n4 --network n --subnet-range " + subnet4,
		"subnet create n6 --network n --subnet-range " + subnet6 + " --ip-version 6 --ipv6-ra-mode slaac --ipv6-address-mode slaac",
		"router create r", "router set r --external-gateway public", "router add subnet r n4",
		"network create m", "subnet create m4 --network m --subnet-range 10.1.0.0/24",
		"security group create web",
	} {
		do(t, o.user, command)
	}
	eventually(t, "both hosts take servers", func() error {
		var answer struct{ Hypervisors []struct{ State string } }
		if status := o.nova(t, "GET", "/os-hypervisors", nil, &answer); status != http.StatusOK || len(answer.Hypervisors) < hosts {
			return fmt.Errorf("%d, %d of %d", status, len(answer.Hypervisors), hosts)
		}
		return nil
	})
}

// do types a command that must succeed.
func do(t *testing.T, c *cloud.Client, command string) {
	t.Helper()
	if ok, text := c.Run(t, strings.Fields(command)); !ok {
		t.Fatalf("openstack %s: %s", command, text)
	}
}

// read types a command and reads what it prints.
func read(t *testing.T, c *cloud.Client, into any, command string) {
	t.Helper()
	ok, text := c.Run(t, append(strings.Fields(command), "-f", "json"))
	if !ok {
		t.Fatalf("openstack %s: %s", command, text)
	}
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("openstack %s: %v\n%s", command, err, text)
	}
}

// server is what the scenarios read of one, as administrators see it.
type server struct {
	ID        string
	Name      string
	Status    string
	Task      *string `json:"OS-EXT-STS:task_state"`
	Host      string  `json:"OS-EXT-SRV-ATTR:host"`
	Addresses map[string][]struct {
		Addr string
		Type string `json:"OS-EXT-IPS:type"`
	}
	SecurityGroups []struct{ Name string } `json:"security_groups"`
	Fault          struct{ Message, Details string }
}

// port is what the scenarios read of one.
type port struct {
	ID          string
	Status      string
	MAC         string `json:"mac_address"`
	NetworkID   string `json:"network_id"`
	DeviceID    string `json:"device_id"`
	DeviceOwner string `json:"device_owner"`
	DNSName     string `json:"dns_name"`
	ProjectID   string `json:"project_id"`
	FixedIPs    []struct {
		Address string `json:"ip_address"`
	} `json:"fixed_ips"`
	SecurityGroups []string        `json:"security_groups"`
	HostID         string          `json:"binding:host_id"`
	VIFType        string          `json:"binding:vif_type"`
	VIFDetails     json.RawMessage `json:"binding:vif_details"`
	Profile        json.RawMessage `json:"binding:profile"`
}

// tap is the name that Nova gives the port's interface on its host.
func (p port) tap() string { return ("tap" + p.ID)[:14] }

// boot has blue make a server, with more options, waits until it is active, and returns it.
func (o *openstack) boot(t *testing.T, name, options string) server {
	t.Helper()
	var made server
	read(t, o.user, &made, "server create --image tiny --flavor small "+options+" "+name)
	return o.becomes(t, made.ID, "ACTIVE")
}

// becomes waits until a server has a status, and nothing is being done to it.
func (o *openstack) becomes(t *testing.T, id, status string) (s server) {
	t.Helper()
	eventually(t, "the server is "+status, func() error {
		s = o.server(t, id)
		if s.Status == "ERROR" && status != "ERROR" {
			t.Fatalf("the server has failed: %s\n%s", s.Fault.Message, s.Fault.Details)
		}
		if s.Status != status || s.Task != nil {
			return fmt.Errorf("it is %s", s.Status)
		}
		return nil
	})
	return s
}

func (o *openstack) server(t *testing.T, id string) server {
	t.Helper()
	var answer struct{ Server server }
	if status := o.nova(t, "GET", "/servers/"+id, nil, &answer); status != http.StatusOK {
		t.Fatalf("server %s: %d", id, status)
	}
	return answer.Server
}

// delete deletes a server and waits until it has gone.
func (o *openstack) delete(t *testing.T, id string) {
	t.Helper()
	do(t, o.admin, "server delete "+id)
	eventually(t, "the server has gone", func() error {
		if status := o.nova(t, "GET", "/servers/"+id, nil, nil); status != http.StatusNotFound {
			return fmt.Errorf("it answers %d", status)
		}
		return nil
	})
}

// ports returns the ports of a server, by network and then in the order of their making.
func (o *openstack) ports(t *testing.T, serverID string) []port {
	t.Helper()
	var answer struct{ Ports []port }
	o.cloud.Call(t, "GET", "/v2.0/ports?device_id="+serverID, nil, &answer)
	return answer.Ports
}

// portOf returns a server's only port.
func (o *openstack) portOf(t *testing.T, serverID string) port {
	t.Helper()
	all := o.ports(t, serverID)
	if len(all) != 1 {
		t.Fatalf("the server has %d ports, want one: %+v", len(all), all)
	}
	return all[0]
}

func (o *openstack) port(t *testing.T, id string) port {
	t.Helper()
	var answer struct{ Port port }
	o.cloud.Call(t, "GET", "/v2.0/ports/"+id, nil, &answer)
	return answer.Port
}

// isOn fails the test unless the port is bound to a host for the server, and has its interface there and on no other host.
func (o *openstack) isOn(t *testing.T, host string, s server, p port) {
	t.Helper()
	eventually(t, "the port is active", func() error {
		if p = o.port(t, p.ID); p.Status != "ACTIVE" {
			return fmt.Errorf("it is %s", p.Status)
		}
		return nil
	})
	if p.HostID != host || p.VIFType != "midonet" || p.DeviceID != s.ID || p.DeviceOwner != "compute:nova" {
		t.Errorf("the port is %+v, want it bound to %s for server %s", p, host, s.ID)
	}
	var details map[string]any
	if err := json.Unmarshal(p.VIFDetails, &details); err != nil || details["port_filter"] != true {
		t.Errorf("details of the interface: %s, %v", p.VIFDetails, err)
	}
	for i := range hosts {
		each := fmt.Sprint("host", i+1)
		eventually(t, "the interface is on "+host+" alone", func() error {
			if has := o.hasInterface(each, p.tap()); has != (each == host) {
				return fmt.Errorf("%s has %s: %v", each, p.tap(), has)
			}
			return nil
		})
	}
	var bindings struct {
		Bindings []struct{ Host, Status string }
	}
	o.cloud.Call(t, "GET", "/v2.0/ports/"+p.ID+"/bindings", nil, &bindings)
	if len(bindings.Bindings) != 1 || bindings.Bindings[0].Host != host || bindings.Bindings[0].Status != "ACTIVE" {
		t.Errorf("bindings: %+v, want an active one to %s alone", bindings.Bindings, host)
	}
}

func (o *openstack) hasInterface(host, name string) bool {
	return exec.Command("ip", "-netns", o.sandbox.HostNamespace(host), "link", "show", name).Run() == nil
}

// has waits until Nova says that the server has, of a network, exactly these addresses.
func (o *openstack) has(t *testing.T, serverID, network string, addresses ...string) {
	t.Helper()
	slices.Sort(addresses)
	eventually(t, "Nova shows the server's addresses", func() error {
		var are []string
		for _, a := range o.server(t, serverID).Addresses[network] {
			are = append(are, a.Addr)
		}
		if slices.Sort(are); !slices.Equal(are, addresses) {
			return fmt.Errorf("on %s it shows %v, want %v", network, are, addresses)
		}
		return nil
	})
}

// addresses are those of a port.
func (p port) addresses() (all []string) {
	for _, ip := range p.FixedIPs {
		all = append(all, ip.Address)
	}
	return all
}

// nova sends a request to Nova's API as the administrator, and returns the status of the answer, whose body it reads into the last argument where
// that is not nil.
func (o *openstack) nova(t *testing.T, method, path string, body, into any) int {
	t.Helper()
	header := http.Header{}
	header.Set("X-OpenStack-Nova-API-Version", computeAPI)
	answer, text, err := keystone.Ask(o.cloud.Admin, method, "http://"+o.values["nova"]+"/v2.1"+path, body, header)
	if err != nil {
		t.Fatal(err)
	}
	if into != nil && answer.StatusCode < 300 {
		if err := json.Unmarshal(text, into); err != nil {
			t.Fatalf("%s %s: %v\n%s", method, path, err, text)
		}
	}
	return answer.StatusCode
}

// builtAt is when the server's first start had ended, to the second.
func (o *openstack) builtAt(t *testing.T, serverID string) time.Time {
	t.Helper()
	var list struct {
		Actions []struct {
			Action    string
			RequestID string `json:"request_id"`
		} `json:"instanceActions"`
	}
	o.nova(t, "GET", "/servers/"+serverID+"/os-instance-actions", nil, &list)
	for _, a := range list.Actions {
		var one struct {
			Action struct {
				Events []struct {
					Event  string
					Finish string `json:"finish_time"`
					Result string
				}
			} `json:"instanceAction"`
		}
		o.nova(t, "GET", "/servers/"+serverID+"/os-instance-actions/"+a.RequestID, nil, &one)
		for _, e := range one.Action.Events {
			if e.Event == "compute__do_build_and_run_instance" {
				at, err := time.Parse("2006-01-02T15:04:05.000000", e.Finish)
				if err != nil || e.Result != "Success" {
					t.Fatalf("%+v: %v", e, err)
				}
				return at
			}
		}
	}
	t.Fatalf("no start of server %s in %+v", serverID, list)
	return time.Time{}
}
