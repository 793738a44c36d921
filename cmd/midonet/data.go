package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/alecthomas/kong"

	"midonet.org/midonet/run"
)

// managerName is the program of networking-midonet whose commands those of `midonet db` are. `make build` links it to this program, which
// goes by the name that it was called by: a second program would be as large again.
const managerName = "midonet-db-manage"

// calledAsManager reports whether the program was called by the original's name.
func calledAsManager() bool { return filepath.Base(os.Args[0]) == managerName }

// dataCommands are those that work on the tables of tasks and data versions.
type dataCommands struct {
	TaskList     taskListCmd     `cmd:"" help:"List the changes that are not yet in the topology."`
	TaskClean    taskCleanCmd    `cmd:"" help:"Say how many tasks are left; those that were applied are removed by the server."`
	TaskResource taskResourceCmd `cmd:"" help:"Print the resources as the newest tasks have them, by data type."`
	DataShow     dataShowCmd     `cmd:"" help:"Show the state of the data."`
	DataReadonly dataReadonlyCmd `cmd:"" name:"data-readonly" help:"Have every server refuse writes of the Networking API."`
	DataReadwr   dataReadwrCmd   `cmd:"" name:"data-readwrite" help:"Let writes in again; versions other than the active one are stale then."`
	VersionList  versionListCmd  `cmd:"" name:"data-version-list" help:"List the data versions."`
	VersionSync  versionSyncCmd  `cmd:"" name:"data-version-sync" help:"Render the whole topology anew beside the live one, and switch to it."`
	VersionUse   versionUseCmd   `cmd:"" name:"data-version-activate" help:"Switch to a version that data-version-sync made."`
}

// withData runs a function on the database.
func (f databaseFlags) withData(ctx context.Context, fn func(*run.Data) error) error {
	d, err := run.OpenData(ctx, f.server())
	if err != nil {
		return err
	}
	return errors.Join(fn(d), d.Close())
}

type taskListCmd struct {
	Unprocessed bool `short:"u" help:"Those that are not applied yet, as always here: applied ones are removed."`
}

// Run lists the tasks.
func (taskListCmd) Run(ctx context.Context, f *databaseFlags) error {
	return f.withData(ctx, func(d *run.Data) error { return d.TaskList(ctx, os.Stdout) })
}

type taskCleanCmd struct{}

// Run says what is left.
func (taskCleanCmd) Run(ctx context.Context, f *databaseFlags) error {
	return f.withData(ctx, func(d *run.Data) error { return d.TaskClean(ctx, os.Stdout) })
}

type taskResourceCmd struct{}

// Run prints the resources.
func (taskResourceCmd) Run(ctx context.Context, f *databaseFlags) error {
	return f.withData(ctx, func(d *run.Data) error { return d.TaskResource(ctx, os.Stdout) })
}

type dataShowCmd struct{}

// Run shows the state.
func (dataShowCmd) Run(ctx context.Context, f *databaseFlags) error {
	return f.withData(ctx, func(d *run.Data) error { return d.Show(ctx, os.Stdout) })
}

type dataReadonlyCmd struct{}

// Run returns when the last write has ended.
func (dataReadonlyCmd) Run(ctx context.Context, f *databaseFlags) error {
	return f.withData(ctx, func(d *run.Data) error { return d.SetReadOnly(ctx, true) })
}

type dataReadwrCmd struct{}

// Run lets writes in.
func (dataReadwrCmd) Run(ctx context.Context, f *databaseFlags) error {
	return f.withData(ctx, func(d *run.Data) error { return d.SetReadOnly(ctx, false) })
}

type versionListCmd struct{}

// Run lists the versions.
func (versionListCmd) Run(ctx context.Context, f *databaseFlags) error {
	return f.withData(ctx, func(d *run.Data) error { return d.VersionList(ctx, os.Stdout) })
}

type versionSyncCmd struct {
	Activate bool `default:"true" negatable:"" help:"Switch to the version when it is made; otherwise data-version-activate does it."`
}

// Run follows the making of a version. Ctrl-C withdraws the order.
func (c versionSyncCmd) Run(ctx context.Context, f *databaseFlags) error {
	return f.withData(ctx, func(d *run.Data) error { return d.VersionSync(ctx, c.Activate, os.Stdout) })
}

type versionUseCmd struct {
	Version int64 `arg:"" help:"Number of the version, from data-version-list."`
}

// Run waits until the topology is the version's.
func (c versionUseCmd) Run(ctx context.Context, f *databaseFlags) error {
	return f.withData(ctx, func(d *run.Data) error { return d.VersionActivate(ctx, c.Version, os.Stdout) })
}

// managerParser is the command line of midonet-db-manage.
func managerParser(ctx context.Context) *kong.Kong {
	return kong.Must(&dbCmd{}, kong.Name(managerName), kong.BindTo(ctx, (*context.Context)(nil)), stateDirHere(),
		kong.Description("Look after what a MidoNet server stores: the same commands as `midonet db`."))
}
