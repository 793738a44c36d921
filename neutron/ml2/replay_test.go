package ml2

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
)

// world is a network under random requests, and what someone knows of it who has only read the journal.
type world struct {
	*fixture
	r       *rapid.T
	network *model.Network
	replica map[string]string // resource id → its JSON
}

// TestTheJournalTellsTheWholeStory makes random requests. After each one, whoever replays the journal has exactly the subnets and ports
// that a client lists, to the letter, but for the names of addresses, which follow from the configuration: no change goes without its task,
// be it one that a request causes in other resources. A fault of the plugin may be any of Neutron's, never an internal error, and leaves
// nothing behind.
func TestTheJournalTellsTheWholeStory(t *testing.T) {
	f := newFixture(t)
	rapid.Check(t, func(r *rapid.T) {
		w := &world{fixture: f, r: r, network: f.network(admin), replica: map[string]string{}}
		w.tasks()
		r.Repeat(map[string]func(*rapid.T){
			"create subnet": func(*rapid.T) { w.createSubnet() },
			"update subnet": func(*rapid.T) { w.updateSubnet() },
			"delete subnet": func(*rapid.T) { w.do(w.Subnets().Delete(ctx, admin, w.anySubnet())) },
			"create port":   func(*rapid.T) { w.createPort() },
			"update port":   func(*rapid.T) { w.updatePort() },
			"delete port":   func(*rapid.T) { w.do(w.Ports().Delete(ctx, admin, w.anyPort())) },
			"":              func(*rapid.T) { w.check() },
		})
	})
}

// do takes the outcome of a request.
func (w *world) do(err error) {
	var fault *errs.Error
	if err != nil && (!errors.As(err, &fault) || fault.Kind == errs.Internal) {
		w.r.Fatalf("not a fault: %v", err)
	}
}

func (w *world) check() {
	for _, task := range w.tasks() {
		if task.Type == journal.Delete {
			delete(w.replica, task.ResourceID)
		} else {
			w.replica[task.ResourceID] = string(task.Data)
		}
	}
	listed := map[string]string{}
	for _, s := range w.subnets() {
		listed[s.ID.String()] = jsonOf(w.r, s)
	}
	for _, p := range w.ports() {
		listed[p.ID.String()] = jsonOf(w.r, w.recordedPort(p))
		for _, f := range p.FixedIPs {
			w.checkInside(f)
		}
	}
	if diff := cmp.Diff(listed, w.replica); diff != "" {
		w.r.Fatalf("the journal tells another story than the list: %s", diff)
	}
}

func (w *world) checkInside(f model.FixedIP) {
	for _, s := range w.subnets() {
		if s.ID == f.SubnetID && s.CIDR.Contains(f.IPAddress) {
			return
		}
	}
	w.r.Fatalf("address %s is in no subnet", f.IPAddress)
}

func jsonOf(r *rapid.T, v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		r.Fatal(err)
	}
	return string(b)
}

func (w *world) ofNetwork() plugin.Query {
	return plugin.Query{Filters: []plugin.Filter{{Attr: "network_id", Values: []string{w.network.ID.String()}}}}
}

func (w *world) subnets() []*model.Subnet {
	page, err := w.Subnets().List(ctx, admin, w.ofNetwork())
	if err != nil {
		w.r.Fatal(err)
	}
	return page
}

func (w *world) ports() []*model.Port {
	page, err := w.Ports().List(ctx, admin, w.ofNetwork())
	if err != nil {
		w.r.Fatal(err)
	}
	return page
}

func (w *world) anySubnet() string {
	if all := w.subnets(); len(all) > 0 {
		return all[rapid.IntRange(0, len(all)-1).Draw(w.r, "subnet")].ID.String()
	}
	return "none"
}

func (w *world) anyPort() string {
	if all := w.ports(); len(all) > 0 {
		return all[rapid.IntRange(0, len(all)-1).Draw(w.r, "port")].ID.String()
	}
	return "none"
}

func (w *world) createSubnet() {
	cidr := rapid.SampledFrom(cidrs).Draw(w.r, "cidr")
	b := subnetBody(w.network, cidr)
	if mode := slaac; b.Value.IPVersion == 6 && rapid.Bool().Draw(w.r, "slaac") {
		b.Value.IPv6AddressMode = &mode
	}
	_, err := w.Subnets().Create(ctx, admin, []plugin.Body[model.Subnet]{b})
	w.do(err)
}

func (w *world) updateSubnet() {
	gateway := addr(rapid.SampledFrom([]string{"10.0.0.6", "10.0.0.1", "fd01::1", "10.9.9.9"}).Draw(w.r, "gateway"))
	pools := []model.AllocationPool{pool("10.0.0.4", "10.0.0.5"), pool("10.0.0.2", "10.0.0.3")}
	given := rapid.SampledFrom(subnetChanges).Draw(w.r, "given")
	_, err := w.Subnets().Update(ctx, admin, w.anySubnet(),
		body(model.Subnet{Name: "new", GatewayIP: gateway, AllocationPools: pools}, given...))
	w.do(err)
}

// fixedIPs draws what a client may ask for, sensible or not.
func (w *world) fixedIPs() []model.FixedIP {
	var fixed []model.FixedIP
	for range rapid.IntRange(0, 3).Draw(w.r, "addresses") {
		var f model.FixedIP
		if all := w.subnets(); len(all) > 0 && rapid.Bool().Draw(w.r, "by subnet") {
			f.SubnetID = all[rapid.IntRange(0, len(all)-1).Draw(w.r, "subnet")].ID
		}
		if f.SubnetID.IsZero() || rapid.Bool().Draw(w.r, "by address") {
			f.IPAddress = addr(rapid.SampledFrom(addresses).Draw(w.r, "address"))
		}
		fixed = append(fixed, f)
	}
	return fixed
}

// What the requests are made of.
var (
	cidrs         = []string{"10.0.0.0/29", "10.0.0.0/24", "10.0.1.0/30", "fd01::/64", "fd02::/64", "fd03::/126"}
	subnetChanges = [][]string{{"name"}, {"gateway_ip"}, {"allocation_pools", "gateway_ip"}, {"enable_dhcp"}}
	addresses     = []string{"10.0.0.2", "10.0.0.3", "10.0.1.2", "fd01::5", "fd03::", "fd03::1"}

	owners = []string{"", "compute:nova", "network:dhcp", "network:router_interface"}
	macs   = []string{"", "fa:16:3e:00:00:01", "fa:16:3e:00:00:02", "fa:16:3e:00:00:03"}
)

func (w *world) drawPort() plugin.Body[model.Port] {
	v := model.Port{
		NetworkID: w.network.ID, FixedIPs: w.fixedIPs(), DeviceOwner: rapid.SampledFrom(owners).Draw(w.r, "owner"),
		HostID: rapid.SampledFrom([]string{"", "host1"}).Draw(w.r, "host"),
	}
	if text := rapid.SampledFrom(macs).Draw(w.r, "mac"); text != "" {
		v.MACAddress = mac.MustParse(text)
	}
	b := body(v)
	for _, name := range []string{"fixed_ips", "mac_address", "device_owner", "binding:host_id"} {
		b.Given[name] = rapid.Bool().Draw(w.r, "gives "+name)
	}
	return b
}

func (w *world) createPort() {
	made, err := w.Ports().Create(ctx, admin, []plugin.Body[model.Port]{w.drawPort()})
	w.do(err)
	if err == nil {
		w.sameAsRead(made[0])
	}
}

func (w *world) updatePort() {
	p, err := w.Ports().Update(ctx, admin, w.anyPort(), w.drawPort())
	w.do(err)
	if err == nil {
		w.sameAsRead(p)
	}
}

func (w *world) sameAsRead(p *model.Port) {
	read, err := w.Ports().Get(ctx, admin, p.ID.String())
	if err != nil || jsonOf(w.r, read) != jsonOf(w.r, p) {
		w.r.Fatalf("answered %s\nread     %s, %v", jsonOf(w.r, p), jsonOf(w.r, read), err)
	}
}
