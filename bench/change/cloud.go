package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"midonet.org/midonet/bench/lab"
)

// cloud is a server with everything embedded.
type cloud struct {
	*lab.Server
	dir    string
	client *lab.Client
}

func newCloud(ctx context.Context, binary string) (*cloud, error) {
	dir, err := os.MkdirTemp("", "mnc-")
	if err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "midonet.conf")
	if err := os.WriteFile(config, []byte(lab.NoQuotas), 0o600); err != nil {
		return nil, err
	}
	s, err := lab.NewServer(binary, config, filepath.Join(dir, "state"))
	if err != nil {
		return nil, err
	}
	return &cloud{s, dir, s.Client()}, s.Start(ctx)
}

func (c *cloud) remove() {
	c.Stop()
	os.RemoveAll(c.dir)
}

// joinToken is what lets an agent in.
func (c *cloud) joinToken() (string, error) {
	out, err := exec.Command(c.Binary, "join-token", "--state-dir", c.StateDir).Output()
	if err != nil {
		return "", err
	}
	for _, word := range strings.Fields(string(out)) {
		if len(word) > 60 {
			return word, nil
		}
	}
	return "", fmt.Errorf("no token in %q", out)
}
