package main

import (
	"bytes"
	"encoding/json"
	"errors"
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

// answerBody is an answer as it came.
type answerBody []byte

func newClient(base string) *client {
	return &client{base: base, http: &http.Client{
		Transport: &http.Transport{MaxIdleConnsPerHost: 16},
		Timeout:   5 * time.Minute, // eight clients that make fifty ports each take neutron-server more than one
	}}
}

func (c *client) get(path string, into any) error {
	return c.do(http.MethodGet, path, nil, http.StatusOK, into)
}

func (c *client) put(path string, body any) error {
	return c.do(http.MethodPut, path, body, http.StatusOK, &struct{}{})
}

func (c *client) post(path string, body, into any) error {
	return c.do(http.MethodPost, path, body, http.StatusCreated, into)
}

// do sends a request and reads the answer into the last argument, unless that is nil. Another status than the one wanted is an error.
func (c *client) do(method, path string, body any, want int, into any) error {
	var payload io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		payload = bytes.NewReader(text)
	}
	r, err := http.NewRequest(method, c.base+path, payload)
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := c.http.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != want {
		return fmt.Errorf("%s %s: answered %s: %.300s", method, path, resp.Status, text)
	}
	if into == nil {
		return nil
	}
	if raw, ok := into.(*answerBody); ok {
		*raw = text
		return nil
	}
	return json.Unmarshal(text, into)
}

// loadFor repeats the request by so many clients for about the given time, or until nothing is left to use, and returns requests a
// second.
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
				if err := request(); errors.Is(err, errUsedUp) {
					return
				} else if err != nil {
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
