package providers

import (
	"testing"

	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
)

func TestProviders(t *testing.T) {
	p := New(&model.ServiceProvider{ServiceType: "VPN", Name: "a", Default: true}, &model.ServiceProvider{ServiceType: "VPN", Name: "b"})
	found, err := p.List(t.Context(), nil, plugin.Query{Filters: []plugin.Filter{{Attr: "default", Values: []string{"True"}}}})
	if err != nil || len(found) != 1 || found[0].Name != "a" {
		t.Errorf("%v, %v", found, err)
	}
	if one, err := p.Get(t.Context(), nil, "b"); err != nil || one.Name != "b" {
		t.Errorf("%v, %v", one, err)
	}
	if _, err := p.Get(t.Context(), nil, "c"); err == nil || err.Error() != "Service provider 'c' could not be found." {
		t.Errorf("another: %v", err)
	}
}
