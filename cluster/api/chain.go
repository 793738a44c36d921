package api

import (
	"net/http"

	"midonet.org/midonet/cluster/operator"
	"midonet.org/midonet/topology"
)

var (
	mediaChain  = []string{"application/vnd.org.midonet.Chain-v1+json", mediaJSON}
	mediaChains = []string{"application/vnd.org.midonet.collection.Chain-v1+json", mediaJSON}
)

// chain is models/Chain.java.
type chain struct {
	ID       topology.ChainID `json:"id"`
	TenantID string           `json:"tenantId"`
	Name     string           `json:"name"`
	URI      string           `json:"uri"`
	Rules    string           `json:"rules"`
}

func (a *API) chainRoutes() {
	a.serve("/chains",
		endpoint{http.MethodGet, nil, mediaChains, listChains},
		endpoint{http.MethodPost, mediaChain, nil, a.createChain},
	)
	a.serve("/chains/{id}",
		endpoint{http.MethodGet, nil, mediaChain, getChain},
		endpoint{http.MethodDelete, nil, nil, a.delete(topology.KindChain)},
	)
	a.serve("/chains/{id}/rules",
		endpoint{http.MethodGet, nil, mediaRulesV2, listRules},
		endpoint{http.MethodPost, mediaRuleV2, nil, a.createRule},
	)
	a.serve("/rules/{id}",
		endpoint{http.MethodGet, nil, mediaRuleV2, getRule},
		endpoint{http.MethodDelete, nil, nil, a.deleteRule},
	)
}

// chain returns the chain that the path names.
func (c *call) chain() (*topology.Chain, error) {
	named, err := c.named("id")
	if err != nil {
		return nil, err
	}
	x := operator.FindChain(c.state, topology.ChainID(named))
	if x == nil {
		return nil, operator.Missing(topology.KindChain, named)
	}
	return x, nil
}

func listChains(c *call) (reply, error) {
	chains, query := []*topology.Chain{}, c.URL.Query()
	for x := range operator.Chains(c.state) {
		if !query.Has("tenant_id") || x.ProjectID == query.Get("tenant_id") {
			chains = append(chains, x)
		}
	}
	return reply{body: show(chains, c.showChain)}, nil
}

func getChain(c *call) (reply, error) {
	x, err := c.chain()
	if err != nil {
		return reply{}, err
	}
	return reply{body: c.showChain(x)}, nil
}

func (c *call) showChain(x *topology.Chain) chain {
	uri := *c.chainURI(x.ID)
	return chain{ID: x.ID, TenantID: x.ProjectID, Name: x.Name, URI: uri, Rules: uri + "/rules"}
}

func (a *API) createChain(c *call) (reply, error) {
	var body struct {
		ID       *topology.ChainID `json:"id"`
		TenantID string            `json:"tenantId"`
		Name     string            `json:"name"`
	}
	if err := c.decode(&body); err != nil {
		return reply{}, err
	}
	var v violations
	v.size("name", body.Name, 0, maxName)
	v.size("tenantId", body.TenantID, 0, maxTenant)
	if err := v.err(); err != nil {
		return reply{}, err
	}
	id := chosen(body.ID)
	return a.edit(c, *c.chainURI(id), func(e *operator.Edit) error {
		return e.CreateChain(&topology.Chain{ID: id, Name: body.Name, ProjectID: body.TenantID})
	})
}

func listRules(c *call) (reply, error) {
	x, err := c.chain()
	if err != nil {
		return reply{}, err
	}
	rules := make([]rule, 0, len(x.Rules))
	for i := range x.Rules {
		rules = append(rules, c.showRule(x, i))
	}
	return reply{body: rules}, nil
}

func getRule(c *call) (reply, error) {
	named, err := c.named("id")
	if err != nil {
		return reply{}, err
	}
	x := operator.FindRule(c.state, topology.RuleID(named))
	if x == nil {
		return reply{}, noSuch("Rule", named)
	}
	for i := range x.Rules {
		if x.Rules[i].ID == topology.RuleID(named) {
			return reply{body: c.showRule(x, i)}, nil
		}
	}
	return reply{}, noSuch("Rule", named)
}

func (a *API) createRule(c *call) (reply, error) {
	x, err := c.chain()
	if err != nil {
		return reply{}, err
	}
	position, r, err := c.readRule()
	if err != nil {
		return reply{}, err
	}
	answer, err := a.edit(c, c.ruleURI(r.ID), func(e *operator.Edit) error { return e.CreateRule(x.ID, position, r) })
	if what := operator.UnheededRule(&r); err == nil && what != "" {
		a.unheeded(x.Key(), what)
	}
	return answer, err
}

func (a *API) deleteRule(c *call) (reply, error) {
	named, err := c.named("id")
	if err != nil {
		return reply{}, err
	}
	return a.edit(c, "", func(e *operator.Edit) error { return e.DeleteRule(topology.RuleID(named)) })
}
