package lab

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"midonet.org/midonet/topology"
)

// A crowd is spread over networks of so many ports, each of another project with a security group of its own.
const (
	portsPerNetwork = 1000
	portsPerRequest = 100
	makers          = 4 // at work at the same time, on a network each
)

// Fill makes so many ports by the clients, which take turns, and returns the ports of the first network.
func Fill(ctx context.Context, clients []*Client, ports int) (first []topology.PortID, err error) {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(makers)
	for number := range (ports + portsPerNetwork - 1) / portsPerNetwork {
		group.Go(func() error {
			made, err := fillNetwork(ctx, clients[number%len(clients)], number, min(portsPerNetwork, ports-number*portsPerNetwork))
			if number == 0 {
				first = made
			}
			return err
		})
	}
	return first, group.Wait()
}

func fillNetwork(ctx context.Context, c *Client, number, ports int) (ids []topology.PortID, err error) {
	network, err := c.NewNetwork(fmt.Sprint("n", number), number)
	for err == nil && ctx.Err() == nil && len(ids) < ports {
		bodies := make([]map[string]any, min(portsPerRequest, ports-len(ids)))
		for i := range bodies {
			bodies[i] = map[string]any{"network_id": network, "device_owner": "compute:bench", "project_id": project(number)}
		}
		var made struct {
			Ports []struct{ ID topology.PortID }
		}
		err = c.Post("/v2.0/ports", map[string]any{"ports": bodies}, &made)
		for _, p := range made.Ports {
			ids = append(ids, p.ID)
		}
	}
	return ids, err
}

// NewNetwork makes a network of the project of that number, with a subnet of 4,094 addresses, and returns its identifier.
func (c *Client) NewNetwork(name string, number int) (string, error) {
	var made struct{ Network struct{ ID string } }
	body := map[string]any{"network": map[string]any{"name": name, "project_id": project(number)}}
	if err := c.Post("/v2.0/networks", body, &made); err != nil {
		return "", err
	}
	subnet := map[string]any{"subnet": map[string]any{
		"network_id": made.Network.ID, "ip_version": 4, "cidr": "10.0.0.0/20", "project_id": project(number)}}
	return made.Network.ID, c.Post("/v2.0/subnets", subnet, nil)
}

func project(number int) string { return fmt.Sprintf("%032x", number+1) }
