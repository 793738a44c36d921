package nova

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

//go:embed guest.py
var guest []byte

// onLease is what udhcpc does with the address that it gets.
const onLease = `#!/bin/sh
[ "$1" = bound ] || exit 0
ip address replace "$ip/$mask" dev "$interface" && ip route replace default via "$router"
`

// asksNova prints what Nova's metadata service says of who asks.
const asksNova = `import urllib.request as u; print(u.urlopen("http://169.254.169.254/openstack/latest/meta_data.json", timeout=20).read().decode())`

// inside runs a command in the guest, as which it is the port's, on its host.
func (o *openstack) inside(t *testing.T, p port, command ...string) (string, error) {
	t.Helper()
	pid, err := os.ReadFile(o.path(o.port(t, p.ID).HostID + "." + p.ID))
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("nsenter", append([]string{"-t", string(pid), "-n"}, command...)...).CombinedOutput()
	return string(out), err
}

// address has the guest get its address by DHCP.
func (o *openstack) address(t *testing.T, p port) {
	t.Helper()
	script := o.path("on-lease")
	if err := os.WriteFile(script, []byte(onLease), 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := o.inside(t, p, "udhcpc", "-f", "-n", "-q", "-i", "eth0", "-s", script); err != nil {
		t.Fatalf("DHCP: %v\n%s", err, out)
	}
}

// reaches has one guest ping an address until there is an answer.
func (o *openstack) reaches(t *testing.T, from port, address string) {
	t.Helper()
	eventually(t, from.ID+" reaches "+address, func() error {
		out, err := o.inside(t, from, "ping", "-c", "1", "-W", "1", address)
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	})
}

// traffic: guests get the addresses that Nova shows, learn from Nova who they are, reach each other as their security groups say, and still do where
// one of them has moved.
func (o *openstack) traffic(t *testing.T) {
	a := o.boot(t, "left", "--network n")
	b := o.boot(t, "right", "--network n --security-group web")
	pa, pb := o.portOf(t, a.ID), o.portOf(t, b.ID)
	o.address(t, pa)
	o.address(t, pb)
	v4 := func(p port) string {
		for _, address := range p.addresses() {
			if !strings.Contains(address, ":") {
				return address
			}
		}
		return ""
	}
	for _, s := range []server{a, b} {
		out, err := o.inside(t, o.portOf(t, s.ID), python, "-c", asksNova)
		var saw struct{ UUID, Hostname string }
		if err == nil {
			err = json.Unmarshal([]byte(out), &saw)
		}
		if err != nil || saw.UUID != s.ID || !strings.HasPrefix(saw.Hostname, s.Name) {
			t.Errorf("%s is told that it is %+v: %v\n%s", s.Name, saw, err, out)
		}
	}
	for from, to := range map[*port]port{&pa: pb, &pb: pa} { // the default group lets its own in, and the other nobody
		if out, err := o.inside(t, *from, "ping", "-c", "1", "-W", "2", v4(to)); err == nil {
			t.Errorf("a guest is reached although no group lets that in: %s", out)
		}
	}
	do(t, o.user, "server add security group right default")
	o.reaches(t, pa, v4(pb))
	to := map[string]string{"host1": "host2", "host2": "host1"}[b.Host]
	do(t, o.admin, "server migrate --live-migration --host "+to+" "+b.ID)
	o.becomesOn(t, &b, "ACTIVE", to)
	o.isOn(t, to, b, pb)
	o.address(t, pb) // the guest there has begun anew
	o.reaches(t, pa, v4(pb))
	o.reaches(t, pb, v4(pa))
	o.delete(t, a.ID)
	o.delete(t, b.ID)
}
