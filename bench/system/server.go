package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"midonet.org/midonet/bench/lab"
)

// server is something that serves the Networking API.
type server interface {
	name() string
	// start runs it afresh and returns when it has answered once.
	start(ctx context.Context) (*running, error)
}

// running is a started server.
type running struct {
	*lab.Process
	client   *lab.Client
	database *lab.Process // nil where it is inside
}

// cpu is the time in seconds that the server and its database have had of processors.
func (r *running) cpu() (float64, error) {
	seconds, err := r.CPU()
	if err != nil || r.database == nil {
		return seconds, err
	}
	more, err := r.database.CPU()
	return seconds + more, err
}

// ours is `midonet server` with no configuration beyond the quotas, or with a database.
type ours struct {
	binary   string
	dir      string
	engine   *lab.Process // that database's; nil: SQLite
	database string       // its URL
	profiles string       // a directory for CPU profiles; empty: none are taken
	runs     int
	now      *lab.Server // that was started last
}

func newOurs(binary, dir, profiles string) *ours {
	return &ours{binary: binary, dir: dir, profiles: profiles}
}

func newOursOn(mariadb *lab.MariaDB, binary, dir, profiles, database string) *ours {
	return &ours{binary: binary, dir: dir, profiles: profiles, engine: mariadb.Process, database: database}
}

func (o *ours) name() string {
	if o.engine != nil {
		return "midonet, MariaDB"
	}
	return "midonet, SQLite"
}

func (o *ours) start(ctx context.Context) (*running, error) {
	o.runs++
	config, state := filepath.Join(o.dir, "midonet.conf"), filepath.Join(o.dir, fmt.Sprint("ours", o.runs))
	text := lab.NoQuotas
	if o.engine != nil { // outlives the rounds, and so does what was rendered from it
		text += "[database]\nconnection = " + o.database + "\n"
		state = filepath.Join(o.dir, "ours")
	}
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return nil, err
	}
	s, err := lab.NewServer(o.binary, config, state)
	if err != nil {
		return nil, err
	}
	if err := s.Start(ctx); err != nil {
		return nil, err
	}
	o.now = s
	if o.profiles != "" {
		go o.profile(s)
	}
	return &running{s.Process, s.Client(), o.engine}, nil
}

// profileTime is the length of one profile.
const profileTime = 3 * time.Second

// profile takes one profile after the other until the server has ended.
func (o *ours) profile(s *lab.Server) {
	for n := 1; s.Profile(profileTime, filepath.Join(o.profiles, fmt.Sprintf("%s, %d-%d.pprof", o.name(), o.runs, n))) == nil; n++ {
	}
}
