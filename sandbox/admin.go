package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
)

// reachServer returns an error unless the server listens on its admin socket.
func (s *Sandbox) reachServer(ctx context.Context) error {
	conn, err := s.dialAdmin(ctx)
	if err != nil {
		return unreachable("the server's admin socket "+s.adminSocket(), err)
	}
	return conn.Close()
}

func (s *Sandbox) dialAdmin(ctx context.Context) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, "unix", s.adminSocket())
}

// joinToken asks the server, over its admin socket, for a token with which one new host may join.
func (s *Sandbox) joinToken(ctx context.Context) (string, error) {
	client := &http.Client{Transport: &http.Transport{
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return s.dialAdmin(ctx) },
		DisableKeepAlives: true,
	}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://midonet/v1/join-tokens", nil)
	if err != nil {
		return "", err
	}
	resp, err := client.Do(req)
	if err != nil {
		return "", unreachable("the server's admin socket "+s.adminSocket(), err)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
		return "", fmt.Errorf("asking for a join token: %s: %s", resp.Status, strings.TrimSpace(string(text)))
	}
	var answer struct{ Token string }
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return "", fmt.Errorf("asking for a join token: %w", err)
	}
	return answer.Token, nil
}
