package api

import (
	"fmt"
	"net/http"
	"testing"

	"midonet.org/midonet/neutron/auth"
)

// BenchmarkList lists 1,000 networks as someone whom the rules let do everything, and as a member, whose every network they look at.
func BenchmarkList(b *testing.B) {
	for name, who := range map[string]auth.Authenticator{"administrator": auth.Noauth{}, "member": asProject("blue")} {
		b.Run(name, func(b *testing.B) {
			s, _ := newServer(b)
			for i := range 1000 {
				serve(s, newRequest("POST", "/v2.0/networks", fmt.Sprintf(`{"network":{"name":"n%d","project_id":"blue"}}`, i)))
			}
			s.config.Auth = who
			for b.Loop() {
				if w := serve(s, newRequest("GET", "/v2.0/networks", "")); w.Code != http.StatusOK {
					b.Fatal(w.Body)
				}
			}
		})
	}
}
