package api

import (
	"context"
	"testing"

	"midonet.org/midonet/neutron/apidef"
	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
)

// conditional are networks that remember on what condition they were changed.
type conditional struct {
	*networks
	condition *plugin.Condition
}

func (n *conditional) Update(ctx context.Context, c *auth.Caller, id string, b plugin.Body[model.Network]) (*model.Network, error) {
	n.condition = plugin.ConditionOf(ctx)
	return n.networks.Update(ctx, c, id, b)
}

func (n *conditional) Delete(ctx context.Context, c *auth.Caller, id string) error {
	n.condition = plugin.ConditionOf(ctx)
	return n.networks.Delete(ctx, c, id)
}

// TestConditions has the headers that Neutron 21 was asked with, and what it took them for.
func TestConditions(t *testing.T) {
	const multiple = "Multiple revision_number etags are not supported"
	const format = "Revision number etag must be in the format of revision_number=<int>"
	for _, c := range []struct {
		header, refusal string
		revision        int64 // 0: none
	}{
		{"", "", 0}, {"*", "", 0}, {`"other"`, "", 0}, {"other, revision_number=3", "", 0}, {`W/"revision_number=3"`, "", 0},
		{"revision_number=3", "", 3}, {`"revision_number=3"`, "", 3}, {`"other", "revision_number=3"`, "", 3},
		{"revision_number= 3 ", "", 3}, {`W/"revision_number=2", "revision_number=3"`, "", 3},
		{"revision_number=x", format, 0}, {"revision_number=", format, 0}, {"revision_number=2, revision_number=3", format, 0},
		{`"revision_number=2", "revision_number=3"`, multiple, 0},
	} {
		n := &conditional{networks: &networks{}}
		s, _ := newServer(t)
		delete(s.collections, "networks")
		Register(s, apidef.Networks(), n)
		do(t, s, "POST", "/v2.0/networks", `{"network":{}}`)
		for method, body := range map[string]string{"GET": "", "POST": `{"network":{}}`} {
			r := newRequest(method, "/v2.0/networks", body)
			r.Header.Set("If-Match", c.header)
			if w := serve(s, r); (w.Code == 400) != (c.refusal != "") {
				t.Errorf("%s of networks, If-Match: %s: %d %s", method, c.header, w.Code, w.Body)
			}
		}
		for method, body := range map[string]string{"PUT": `{"network":{"name":"x"}}`, "DELETE": ""} {
			n.condition = nil
			r := newRequest(method, "/v2.0/networks/"+first, body)
			r.Header.Set("If-Match", c.header)
			w := serve(s, r)
			if c.refusal != "" {
				if want := neutronError("BadRequest", "Bad if-match request: "+c.refusal+"."); w.Code != 400 || w.Body.String() != want {
					t.Errorf("%s, If-Match: %s: %d %s", method, c.header, w.Code, w.Body)
				}
				continue
			}
			switch got := n.condition; {
			case c.revision == 0 && got != nil:
				t.Errorf("%s, If-Match: %s: condition %+v", method, c.header, got)
			case c.revision != 0 && (got == nil || got.Revision != c.revision || got.ID != first || got.Collection != "networks"):
				t.Errorf("%s, If-Match: %s: condition %+v, want revision %d", method, c.header, got, c.revision)
			}
		}
	}
}
