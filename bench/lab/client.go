package lab

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Client speaks to one Networking API.
type Client struct {
	base string
	http *http.Client
}

// Raw takes an answer as it came.
type Raw []byte

// NewClient returns a client of the API at a URL such as http://127.0.0.1:9696.
func NewClient(base string) *Client {
	return &Client{base: base, http: &http.Client{
		Transport: &http.Transport{MaxIdleConnsPerHost: 16},
		Timeout:   5 * time.Minute, // eight clients that make fifty ports each take neutron-server more than one
	}}
}

// Get reads the answer into into.
func (c *Client) Get(path string, into any) error {
	return c.Do(http.MethodGet, path, nil, http.StatusOK, into)
}

// Put sends body, and throws the answer away.
func (c *Client) Put(path string, body any) error {
	return c.Do(http.MethodPut, path, body, http.StatusOK, nil)
}

// Post sends body and reads the answer into into, which may be nil.
func (c *Client) Post(path string, body, into any) error {
	return c.Do(http.MethodPost, path, body, http.StatusCreated, into)
}

// Do sends a request, with a path such as /v2.0/ports, and reads the answer into the last argument: a *Raw takes it as it is, and nil is for one
// that does not matter. Another status than the one wanted is an error.
func (c *Client) Do(method, path string, body any, want int, into any) error {
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
	switch into := into.(type) {
	case nil:
		return nil
	case *Raw:
		*into = text
		return nil
	}
	return json.Unmarshal(text, into)
}
