package lab

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// Client speaks to one Networking API, by as many connections as there are requests at a time. Each request is written and its answer read by the
// goroutine that asks, with none between: clients have the same processors as the server, and net/http's would take longer for a small request
// than the server does.
type Client struct {
	base, host string
	idle       chan *connection
}

// connection is open, and nobody's.
type connection struct {
	net.Conn
	in  *bufio.Reader
	out *bufio.Writer
}

// maxIdle is how many connections are kept; requestTime is more than eight clients take that have neutron-server make fifty ports each. A long
// answer is read in few pieces.
const (
	maxIdle     = 16
	requestTime = 5 * time.Minute
	pieceSize   = 64 << 10
)

// Raw takes an answer as it came.
type Raw []byte

// Length takes how many octets an answer has, and nothing else of it.
type Length int

// NewClient returns a client of the API at a URL such as http://127.0.0.1:9696.
func NewClient(base string) *Client {
	return &Client{base: base, host: strings.TrimPrefix(base, "http://"), idle: make(chan *connection, maxIdle)}
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

// Do sends a request, with a path such as /v2.0/ports, and reads the answer into the last argument: a *Raw takes it as it is, a *Length its length,
// and nil is for one that does not matter. Another status than the one wanted is an error.
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
	return c.exchange(r, want, into)
}

// exchange sends the request and reads the answer.
func (c *Client) exchange(r *http.Request, want int, into any) error {
	conn, err := c.connection()
	if err != nil {
		return err
	}
	again, err := conn.exchange(r, want, into)
	if !again {
		conn.Close()
		return err
	}
	select {
	case c.idle <- conn:
	default:
		conn.Close()
	}
	return err
}

func (c *Client) connection() (*connection, error) {
	select {
	case conn := <-c.idle:
		return conn, nil
	default:
	}
	conn, err := net.Dial("tcp", c.host)
	if err != nil {
		return nil, err
	}
	return &connection{conn, bufio.NewReaderSize(conn, pieceSize), bufio.NewWriter(conn)}, nil
}

// exchange reports whether the connection can be used again.
func (c *connection) exchange(r *http.Request, want int, into any) (again bool, err error) {
	resp, err := c.send(r)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	if l, ok := into.(*Length); ok && resp.StatusCode == want {
		n, err := io.Copy(io.Discard, resp.Body)
		*l = Length(n)
		return err == nil && !resp.Close, err
	}
	text, err := whole(resp)
	if err != nil {
		return false, err
	}
	if resp.StatusCode != want {
		return !resp.Close, fmt.Errorf("%s %s: answered %s: %.300s", r.Method, r.URL.RequestURI(), resp.Status, text)
	}
	switch into := into.(type) {
	case nil:
	case *Raw:
		*into = text
	default:
		err = json.Unmarshal(text, into)
	}
	return !resp.Close, err
}

// send sends the request and reads the answer up to its body.
func (c *connection) send(r *http.Request) (*http.Response, error) {
	if err := c.SetDeadline(time.Now().Add(requestTime)); err != nil {
		return nil, err
	}
	if err := r.Write(c.out); err != nil {
		return nil, err
	}
	if err := c.out.Flush(); err != nil {
		return nil, err
	}
	return http.ReadResponse(c.in, r)
}

// whole reads a body.
func whole(resp *http.Response) ([]byte, error) {
	if resp.ContentLength < 0 {
		return io.ReadAll(resp.Body)
	}
	text := make([]byte, resp.ContentLength)
	_, err := io.ReadFull(resp.Body, text)
	return text, err
}
