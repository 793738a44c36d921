package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"midonet.org/midonet/bench/lab"
)

// operation is one kind of request, made by clients at once for some seconds. prepare, where not nil, makes what the requests need, and
// is not timed.
type operation struct {
	figure
	clients int
	prepare func(b *bed) error
	request func(b *bed) error
}

// bed is what is there for the operations to work on: made once on a database, found again where it outlives the server.
type bed struct {
	*lab.Client
	network  string // with a subnet of 65,533 addresses
	ports    string // a network of manyPorts ports
	port     string // one port of network
	external string
	router   string
	next     atomic.Int64 // numbers what is made
	pool     chan string  // what was made to be used up by requests
	lengths  sync.Map     // lab.Length of the lists that were counted, by path
}

const (
	fewNetworks  = 10
	manyNetworks = 1000
	manyPorts    = 700
	bulkPorts    = 50
)

var operations = []operation{
	{figure{"create port, 1 client", "/s", false}, 1, nil, (*bed).createPort},
	{figure{"create port, 8 clients", "/s", false}, 8, nil, (*bed).createPort},
	{figure{"list 10 networks", "/s", false}, 8, nil, func(b *bed) error { return b.list("networks?name=few", fewNetworks) }},
	{figure{"list 1,000 networks", "/s", false}, 8, nil, func(b *bed) error { return b.list("networks?name=many", manyNetworks) }},
	{figure{"list 700 ports", "/s", false}, 8, nil, func(b *bed) error { return b.list("ports?network_id="+b.ports, manyPorts) }},
	{figure{"get port", "/s", false}, 8, nil, func(b *bed) error { return b.Get("/v2.0/ports/"+b.port, new(lab.Raw)) }},
	{figure{"create network", "/s", false}, 8, nil, func(b *bed) error { _, err := b.newNetwork("made", false); return err }},
	{figure{"create subnet", "/s", false}, 8, fillWithNetworks, (*bed).createSubnet},
	{figure{"update port", "/s", false}, 8, nil, (*bed).updatePort},
	{figure{"delete port", "/s", false}, 8, fillWithPorts, (*bed).deletePort},
	{figure{"create 50 ports at once", "/s", false}, 8, nil, func(b *bed) error { return b.createPorts(bulkPorts) }},
	{figure{"create router", "/s", false}, 8, nil, (*bed).createRouter},
	{figure{"add router interface", "/s", false}, 8, fillWithRouters, (*bed).addInterface},
	{figure{"create floating IP", "/s", false}, 8, nil, (*bed).createFloatingIP},
}

// prepareBed makes what is not there yet.
func prepareBed(c *lab.Client) (*bed, error) {
	b := &bed{Client: c}
	b.next.Store(time.Now().UnixNano() % (1 << 40)) // beside what an earlier round made
	var err error
	if b.network, err = b.newNetwork("bench", false); err != nil {
		return nil, err
	}
	if err := b.subnet(b.network, "10.128.0.0/16"); err != nil {
		return nil, err
	}
	if b.port, err = b.newPort(b.network); err != nil {
		return nil, err
	}
	if b.external, err = b.found("networks?name=external", "networks"); err != nil {
		return nil, err
	}
	if b.external == "" {
		if b.external, err = b.newNetwork("external", true); err == nil {
			err = b.subnet(b.external, "11.0.0.0/8")
		}
		if err != nil {
			return nil, err
		}
	}
	for name, n := range map[string]int{"few": fewNetworks, "many": manyNetworks} {
		if err := b.fill("networks", "name="+name, n, func() map[string]any { return map[string]any{"name": name} }); err != nil {
			return nil, err
		}
	}
	if b.ports, err = b.found("networks?name=ports", "networks"); err != nil {
		return nil, err
	}
	if b.ports == "" {
		if b.ports, err = b.newNetwork("ports", false); err == nil {
			err = b.subnet(b.ports, "10.129.0.0/16")
		}
		if err != nil {
			return nil, err
		}
	}
	return b, b.fill("ports", "network_id="+b.ports, manyPorts, func() map[string]any { return map[string]any{"network_id": b.ports} })
}

// fill sees to it that there are n resources that the filter shows, made fifty at a time.
func (b *bed) fill(collection, filter string, n int, one func() map[string]any) error {
	var got map[string][]struct{ ID string }
	if err := b.Get("/v2.0/"+collection+"?fields=id&"+filter, &got); err != nil {
		return err
	}
	for have := len(got[collection]); have < n; have += bulkPorts {
		all := make([]map[string]any, min(bulkPorts, n-have))
		for i := range all {
			all[i] = one()
		}
		if err := b.Post("/v2.0/"+collection, map[string]any{collection: all}, nil); err != nil {
			return err
		}
	}
	return nil
}

// found returns the first resource's id, empty where there is none.
func (b *bed) found(path, collection string) (string, error) {
	var got map[string][]struct{ ID string }
	if err := b.Get("/v2.0/"+path, &got); err != nil || len(got[collection]) == 0 {
		return "", err
	}
	return got[collection][0].ID, nil
}

// list fails where not exactly n come: a list that is cut short is quick. An answer as long as one that was counted is not counted again, which would
// take the clients, who share the processors with the server, as long as it takes the server to write it.
func (b *bed) list(path string, n int) error {
	if counted, ok := b.lengths.Load(path); ok {
		var came lab.Length
		if err := b.Get("/v2.0/"+path, &came); err != nil || came == counted {
			return err
		}
	}
	var got lab.Raw
	if err := b.Get("/v2.0/"+path, &got); err != nil {
		return err
	}
	if came := bytes.Count(got, []byte(`"revision_number":`)); came != n {
		return fmt.Errorf("%s: %d of %d came", path, came, n)
	}
	b.lengths.Store(path, lab.Length(len(got)))
	return nil
}

func (b *bed) newNetwork(name string, external bool) (string, error) {
	body := map[string]any{"name": name}
	if external {
		body["router:external"] = true
	}
	return b.create("networks", "network", body)
}

func (b *bed) newPort(network string) (string, error) {
	return b.create("ports", "port", map[string]any{"network_id": network})
}

func (b *bed) subnet(network, cidr string) error {
	_, err := b.create("subnets", "subnet", map[string]any{"network_id": network, "ip_version": 4, "cidr": cidr})
	return err
}

func (b *bed) create(collection, member string, body map[string]any) (string, error) {
	var made map[string]struct{ ID string }
	err := b.Post("/v2.0/"+collection, map[string]any{member: body}, &made)
	return made[member].ID, err
}

func (b *bed) createPort() error {
	_, err := b.newPort(b.network)
	return err
}

func (b *bed) createPorts(n int) error {
	all := make([]map[string]any, n)
	for i := range all {
		all[i] = map[string]any{"network_id": b.network}
	}
	return b.Post("/v2.0/ports", map[string]any{"ports": all}, nil)
}

func (b *bed) updatePort() error {
	name := fmt.Sprint("port ", b.next.Add(1))
	return b.Put("/v2.0/ports/"+b.port, map[string]any{"port": map[string]any{"name": name}})
}

func (b *bed) createRouter() error {
	_, err := b.create("routers", "router", map[string]any{"name": "made"})
	return err
}

func (b *bed) createFloatingIP() error {
	_, err := b.create("floatingips", "floatingip", map[string]any{"floating_network_id": b.external})
	return err
}

// Some requests use up what was made before. usedUp is how many of each are made; what is left over does no harm.
const usedUp = 4000

// errUsedUp ends a load before its time; the rate is of what was done.
var errUsedUp = fmt.Errorf("nothing is left to use")

// fillPool makes things until there are usedUp, or length has passed: slow servers make few and use few.
func (b *bed) fillPool(more func() ([]string, error)) error {
	b.pool = make(chan string, usedUp+bulkPorts)
	for deadline := time.Now().Add(fillTime); len(b.pool) < usedUp && time.Now().Before(deadline); {
		made, err := more()
		if err != nil {
			return err
		}
		for _, id := range made {
			b.pool <- id
		}
	}
	close(b.pool)
	return nil
}

// fillTime bounds the making of what a load uses up.
const fillTime = 8 * time.Second

func (b *bed) bulk(collection string, body map[string]any) ([]string, error) {
	all := make([]map[string]any, bulkPorts)
	for i := range all {
		all[i] = body
	}
	var made map[string][]struct{ ID string }
	err := b.Post("/v2.0/"+collection, map[string]any{collection: all}, &made)
	var ids []string
	for _, m := range made[collection] {
		ids = append(ids, m.ID)
	}
	return ids, err
}

func fillWithNetworks(b *bed) error {
	return b.fillPool(func() ([]string, error) { return b.bulk("networks", map[string]any{"name": "made"}) })
}

func fillWithPorts(b *bed) error {
	return b.fillPool(func() ([]string, error) { return b.bulk("ports", map[string]any{"network_id": b.network}) })
}

// fillWithRouters makes subnets of networks of their own; one router takes them all.
func fillWithRouters(b *bed) error {
	var err error
	if b.router, err = b.create("routers", "router", map[string]any{"name": "busy"}); err != nil {
		return err
	}
	return b.fillPool(func() ([]string, error) {
		network, err := b.newNetwork("made", false)
		if err != nil {
			return nil, err
		}
		n := b.next.Add(1)
		id, err := b.create("subnets", "subnet", map[string]any{"network_id": network, "ip_version": 4,
			"cidr": fmt.Sprintf("172.%d.%d.0/28", 16+n>>8&15, n&255)})
		return []string{id}, err
	})
}

func (b *bed) createSubnet() error {
	network, ok := <-b.pool
	if !ok {
		return errUsedUp
	}
	return b.subnet(network, "10.1.0.0/24")
}

func (b *bed) deletePort() error {
	port, ok := <-b.pool
	if !ok {
		return errUsedUp
	}
	return b.Do(http.MethodDelete, "/v2.0/ports/"+port, nil, http.StatusNoContent, nil)
}

func (b *bed) addInterface() error {
	subnet, ok := <-b.pool
	if !ok {
		return errUsedUp
	}
	return b.Put("/v2.0/routers/"+b.router+"/add_router_interface", map[string]any{"subnet_id": subnet})
}

// cpu is the figure of what one request takes of the processors, in the server and in its database.
func (o operation) cpu() figure { return figure{o.name + ", CPU of one", "µs", true} }

// measureOperations takes every operation's figures once.
func measureOperations(ctx context.Context, run *running, length time.Duration, add func(figure, float64)) error {
	b, err := prepareBed(run.client)
	if err != nil {
		return fmt.Errorf("preparing: %w", err)
	}
	for _, o := range operations {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if o.prepare != nil {
			if err := o.prepare(b); err != nil {
				return fmt.Errorf("preparing to %s: %w", o.name, err)
			}
		}
		before, err := run.cpu()
		if err != nil {
			return err
		}
		requests, took, err := loadFor(length, o.clients, func() error { return o.request(b) })
		if err != nil {
			return fmt.Errorf("%s: %w", o.name, err)
		}
		after, err := run.cpu()
		if err != nil {
			return err
		}
		add(o.figure, float64(requests)/took.Seconds())
		add(o.cpu(), (after-before)*1e6/float64(requests))
	}
	return nil
}
