package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/alecthomas/kong"

	"midonet.org/midonet/run"
)

// stateDirFlag names the running server by its state directory.
type stateDirFlag struct {
	StateDir string `default:"${state_dir}" help:"State directory of the running server." type:"path"`
}

// stateDirHere has tools look at the server that is here.
func stateDirHere() kong.Vars { return kong.Vars{"state_dir": run.StateDirHere()} }

type statusCmd struct{ stateDirFlag }

// Run shows the status.
func (c statusCmd) Run(ctx context.Context) error {
	return run.Status(ctx, run.NewAdminClient(c.StateDir), os.Stdout)
}

type joinCmd struct {
	stateDirFlag
	Hours    int      `default:"24" help:"How long the token is good for, in hours."`
	Reusable bool     `help:"Let several hosts join with it."`
	Address  []string `help:"Where the new host reaches this server, host:port; default: the addresses that the server listens on."`
}

// Validate implements kong's interface.
func (c joinCmd) Validate() error {
	if c.Hours < 1 {
		return fmt.Errorf("--hours=%d: write a number above 0", c.Hours)
	}
	return nil
}

// Run prints a command line for the new host.
func (c joinCmd) Run(ctx context.Context) error {
	request := run.TokenRequest{ValidSeconds: c.Hours * 3600, Reusable: c.Reusable, Addresses: c.Address}
	return run.PrintJoinLine(ctx, run.NewAdminClient(c.StateDir), request, os.Stdout)
}

type hostCmd struct {
	Revoke revokeCmd `cmd:"" help:"Take a host's certificates back, when its key may be in other hands: the cluster refuses it until it joins again."`
}

type revokeCmd struct {
	stateDirFlag
	Host string `arg:"" help:"The host's name or identifier."`
}

// Run takes the certificates back.
func (c revokeCmd) Run(ctx context.Context) error {
	return run.RevokeHost(ctx, run.NewAdminClient(c.StateDir), c.Host, os.Stdout)
}

type dbCmd struct {
	databaseFlags
	Upgrade dbUpgradeCmd `cmd:"" help:"Bring the tables of the Neutron database to this program's version; a server does it, too, when it starts."`
	Current dbCurrentCmd `cmd:"" help:"Print which version the tables of the Neutron database have."`
	Check   dbCheckCmd   `cmd:"" help:"Compare what is stored with a full rendering of the Neutron objects; exit 1 where they differ."`
	Dump    dbDumpCmd    `cmd:"" help:"Print every object, one JSON line each; midonet trace --dump reads it."`
	Restore dbRestoreCmd `cmd:"" help:"Put back what operators have made over the MidoNet API, of what db dump has printed, into a network state database that was lost."`
	dataCommands
}

// AfterApply hands the flags, which may stand before or after the command, to the commands.
func (c *dbCmd) AfterApply(parsed *kong.Context) error {
	parsed.Bind(&c.databaseFlags)
	return nil
}

// databaseFlags name the Neutron database, with or without a running server.
type databaseFlags struct {
	ConfigFile []string `name:"config-file" aliases:"config-dir" help:"The server's configuration: oslo.config file, or directory of *.conf files (--config-dir is the same); may be given several times, later ones win." type:"path" sep:"none"`
	StateDir   string   `default:"${state_dir}" help:"State directory of the server; its database is there unless [database] connection says otherwise." type:"path"`
}

func (f databaseFlags) server() run.ServerConfig {
	return run.ServerConfig{ConfigFiles: f.ConfigFile, StateDir: f.StateDir, Log: logger("info")}
}

type dbUpgradeCmd struct {
	Revision string `arg:"" default:"head" enum:"head,heads" help:"As of the original's command: there is but one."`
}

// Run migrates the database.
func (dbUpgradeCmd) Run(ctx context.Context, f *databaseFlags) error {
	return run.DBUpgrade(ctx, f.server(), os.Stdout)
}

type dbCurrentCmd struct{}

// Run shows the version.
func (dbCurrentCmd) Run(ctx context.Context, f *databaseFlags) error {
	return run.DBCurrent(ctx, f.server(), os.Stdout)
}

type dbCheckCmd struct{}

// Run checks the store.
func (dbCheckCmd) Run(ctx context.Context, f *databaseFlags) error {
	return run.DBCheck(ctx, run.NewAdminClient(f.StateDir), os.Stdout)
}

type dbRestoreCmd struct {
	File string `arg:"" help:"What midonet db dump has printed." type:"existingfile"`
}

// Run restores operators' objects.
func (c dbRestoreCmd) Run(ctx context.Context, f *databaseFlags) error {
	return run.DBRestore(ctx, run.NewAdminClient(f.StateDir), c.File, os.Stdout)
}

type dbDumpCmd struct{}

// Run dumps the store.
func (dbDumpCmd) Run(ctx context.Context, f *databaseFlags) error {
	dump, err := run.NewAdminClient(f.StateDir).Dump(ctx)
	if err != nil {
		return err
	}
	defer dump.Close()
	_, err = io.Copy(os.Stdout, dump)
	return err
}
