package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// client speaks to one Networking API.
type client struct {
	base string
	http *http.Client
}

func newClient(base string) *client {
	return &client{base: base, http: &http.Client{
		Transport: &http.Transport{MaxIdleConnsPerHost: 16},
		Timeout:   time.Minute,
	}}
}

// network makes a network with a subnet of 65,533 addresses and returns its id.
func (c *client) network() (string, error) {
	var made struct{ Network struct{ ID string } }
	if err := c.post("/v2.0/networks", map[string]any{"network": map[string]any{"name": "bench"}}, &made); err != nil {
		return "", err
	}
	subnet := map[string]any{"subnet": map[string]any{"network_id": made.Network.ID, "ip_version": 4, "cidr": "10.128.0.0/16"}}
	return made.Network.ID, c.post("/v2.0/subnets", subnet, &struct{}{})
}

func (c *client) createPort(network string) error {
	return c.post("/v2.0/ports", map[string]any{"port": map[string]any{"network_id": network}}, &struct{}{})
}

func (c *client) listNetworks() error {
	resp, err := c.http.Get(c.base + "/v2.0/networks")
	if err != nil {
		return err
	}
	return read(resp, http.StatusOK, &struct{}{})
}

func (c *client) post(path string, body, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	resp, err := c.http.Post(c.base+path, "application/json", bytes.NewReader(text))
	if err != nil {
		return err
	}
	return read(resp, http.StatusCreated, into)
}

func read(resp *http.Response, want int, into any) error {
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != want {
		return fmt.Errorf("answered %s: %.300s", resp.Status, text)
	}
	return json.Unmarshal(text, into)
}

// loadFor repeats the request by so many clients for about the given time and returns requests a second.
func loadFor(length time.Duration, clients int, request func() error) (float64, error) {
	var (
		done  atomic.Int64
		first error
		once  sync.Once
		wg    sync.WaitGroup
	)
	began := time.Now()
	deadline := began.Add(length)
	for range clients {
		wg.Go(func() {
			for time.Now().Before(deadline) {
				if err := request(); err != nil {
					once.Do(func() { first = err })
					return
				}
				done.Add(1)
			}
		})
	}
	wg.Wait()
	return float64(done.Load()) / time.Since(began).Seconds(), first
}
