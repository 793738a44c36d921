package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"midonet.org/midonet/bench/lab"
)

// configuration is that of both servers.
const configuration = lab.NoQuotas + `[database]
connection = %s
[nsdb]
engine = etcd
endpoints = http://%s
`

// cloud is two servers on one database and one network state database.
type cloud struct {
	dir     string
	mariadb *lab.MariaDB
	etcd    *lab.Process
	servers []*lab.Server
}

func newCloud(ctx context.Context, binary string) (_ *cloud, err error) {
	c := &cloud{}
	defer func() {
		if err != nil {
			c.remove()
		}
	}()
	if c.dir, err = os.MkdirTemp("", "mnt-"); err != nil {
		return nil, err
	}
	if c.mariadb, err = lab.StartMariaDB(ctx, c.dir); err != nil {
		return nil, err
	}
	connection, err := c.mariadb.Database(ctx, "midonet")
	if err != nil {
		return nil, err
	}
	var etcd string
	if c.etcd, etcd, err = lab.StartEtcd(ctx, c.dir); err != nil {
		return nil, err
	}
	config := filepath.Join(c.dir, "midonet.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, configuration, connection, etcd), 0o600); err != nil {
		return nil, err
	}
	for n := range 2 {
		s, err := lab.NewServer(binary, config, filepath.Join(c.dir, fmt.Sprint("server", n)))
		if err != nil {
			return nil, err
		}
		c.servers = append(c.servers, s)
		if err := s.Start(ctx); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *cloud) remove() {
	for _, s := range c.servers {
		s.Kill()
	}
	c.etcd.Kill()
	if c.mariadb != nil {
		c.mariadb.Kill()
	}
	os.RemoveAll(c.dir)
}

// fill makes the ports, by clients of both servers.
func (c *cloud) fill(ctx context.Context, ports int) error {
	var clients []*lab.Client
	for _, s := range c.servers {
		clients = append(clients, s.Client())
	}
	_, err := lab.Fill(ctx, clients, ports)
	return err
}

// applies reports whether a server applies the journal.
func applies(s *lab.Server) (bool, error) {
	n, err := s.Gauge("midonet_journal_applied_tasks_total")
	return n > 0, err
}
