package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"time"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/topology"
)

// maxReply is the largest answer that the client reads, octets.
const maxReply = 16 << 20

// Client speaks to the agent of this host.
type Client struct {
	socket string
	http   *http.Client
}

// NewClient returns a client of the agent that listens on the socket.
func NewClient(socket string) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}
	return &Client{socket: socket, http: &http.Client{
		Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true},
		Timeout:   30 * time.Second,
	}}
}

// Bind plugs an interface of this host into the port.
func (c *Client) Bind(ctx context.Context, port topology.PortID, iface string) error {
	return c.do(ctx, http.MethodPut, "/binding/"+port.String(), bindingInfo{InterfaceName: iface}, nil)
}

// Unbind takes the interface out of the port, if the port is bound on this host.
func (c *Client) Unbind(ctx context.Context, port topology.PortID) error {
	return c.do(ctx, http.MethodDelete, "/binding/"+port.String(), nil, nil)
}

// Hosts returns every host of the cloud.
func (c *Client) Hosts(ctx context.Context) (hosts []Host, err error) {
	err = c.do(ctx, http.MethodGet, "/hosts", nil, &hosts)
	return hosts, err
}

// Status reads how the agent is doing into the value that status points to.
func (c *Client) Status(ctx context.Context, status any) error {
	return c.do(ctx, http.MethodGet, "/status", nil, status)
}

// do makes one request and decodes the answer into result, if there is to be one.
func (c *Client) do(ctx context.Context, method, path string, body, result any) error {
	var data bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&data).Encode(body); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://agent"+path, &data)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		return c.unreachable(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return refusalOf(resp)
	}
	if result == nil {
		return nil
	}
	return answerIn(resp).Decode(result)
}

// unreachable says why the agent cannot be asked and what to do about it.
func (c *Client) unreachable(err error) error {
	var request *url.Error // whose address means nothing
	if errors.As(err, &request) {
		err = request.Err
	}
	switch {
	case errors.Is(err, fs.ErrPermission):
		return errs.New(errs.Forbidden, "NotRoot", "no permission to use %s; run this command as root", c.socket).Wrap(err)
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return errs.New(errs.Unavailable, "AgentNotRunning",
			"no agent answers on %s; start it with \"midonet agent\", or name its socket with --socket", c.socket).Wrap(err)
	}
	return errs.New(errs.Unavailable, "AgentUnreachable", "the agent at %s does not answer", c.socket).Wrap(err)
}

func answerIn(resp *http.Response) *json.Decoder {
	return json.NewDecoder(io.LimitReader(resp.Body, maxReply))
}

// refusalOf returns the agent's error with its kind.
func refusalOf(resp *http.Response) error {
	status := resp.StatusCode
	var f failure
	if err := answerIn(resp).Decode(&f); err != nil || f.Message == "" {
		f = failure{Type: "BadAnswer", Message: http.StatusText(status)}
	}
	for kind, s := range httpStatus {
		if s == status {
			return errs.New(kind, f.Type, "%s", f.Message)
		}
	}
	return errs.New(errs.Internal, f.Type, "%s", f.Message)
}
