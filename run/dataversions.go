package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/config"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/neutron/ml2"
	"midonet.org/midonet/neutron/service/l3"
	"midonet.org/midonet/neutron/store"
)

// Data is the Neutron database as the commands of midonet-db-manage work on it, with or without a running server. Close it.
type Data struct {
	db      *store.DB
	journal *journal.Journal
	plugin  *ml2.Plugin

	elsewhere bool // the topology is that of a MidoNet which midonet_uri names
}

// OpenData opens the database that the configuration names. Its tables are to be there: `midonet db upgrade` or a server makes them.
func OpenData(ctx context.Context, c ServerConfig) (*Data, error) {
	options, err := readConfig(c)
	if err != nil {
		return nil, err
	}
	connection := databaseURL(options, c.StateDir)
	if s, err := store.SchemaOf(ctx, connection); err != nil {
		return nil, err
	} else if s.Has > s.Wants {
		return nil, errs.New(errs.Invalid, "OtherSchema", "%s has tables of version %d, made by a newer program; this one knows up to %d: use the newer one",
			s.Location, s.Has, s.Wants)
	} else if s.Has < s.Wants {
		return nil, errs.New(errs.Invalid, "OtherSchema", "%s has tables of version %d, and this program's have version %d; run `midonet db "+
			"upgrade` first", s.Location, s.Has, s.Wants)
	}
	db, err := store.Open(ctx, connection, store.Options{Log: c.Log})
	if err != nil {
		return nil, err
	}
	return newData(db, options, c), nil
}

func newData(db *store.DB, options *config.Options, c ServerConfig) *Data {
	d := &Data{db: db, journal: journal.New(db), elsewhere: options.MidoNet.Elsewhere()}
	d.plugin = ml2.New(db, d.journal, options.ML2(), c.Log)
	l3.New(d.plugin, db, options.L3()) // it adds its resources to the plugin's contents
	return d
}

// Close closes the database.
func (d *Data) Close() error { return d.db.Close() }

// maxTasksListed bounds a list of tasks; there are more only where nobody has applied them for long.
const maxTasksListed = 1_000_000

// TaskList writes the tasks that are not applied yet. Others are no longer there.
func (d *Data) TaskList(ctx context.Context, w io.Writer) error {
	tasks, err := d.journal.Pending(ctx, maxTasksListed)
	if err != nil {
		return err
	}
	out := table(w, "id", "type", "data type", "resource id", "time")
	for _, t := range tasks {
		fmt.Fprintf(out, "%d\t%s\t%s\t%s\t%s\n", t.ID, t.Type, t.DataType, t.ResourceID, t.CreatedAt.Format(time.DateTime))
	}
	return out.Flush()
}

// TaskClean says what is left to clean: nothing, since the server removes a task when it has applied it.
func (d *Data) TaskClean(ctx context.Context, w io.Writer) error {
	tasks, err := d.journal.Pending(ctx, maxTasksListed)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "0 tasks removed: tasks are removed when they have been applied; %d are still to be applied\n", len(tasks))
	return err
}

// TaskResource writes the resources as the newest tasks have them, by data type.
func (d *Data) TaskResource(ctx context.Context, w io.Writer) error {
	contents, err := d.plugin.Contents(ctx)
	if err != nil {
		return err
	}
	byType := map[journal.DataType][]journal.Task{}
	for _, t := range contents.Resources {
		byType[t.DataType] = append(byType[t.DataType], t)
	}
	for _, dataType := range slices.Sorted(maps.Keys(byType)) {
		fmt.Fprintf(w, "%s\n", dataType)
		for _, t := range byType[dataType] {
			if _, err := fmt.Fprintf(w, "  %s\n", json.RawMessage(t.Data)); err != nil {
				return err
			}
		}
	}
	return nil
}

// Show writes the state of the data.
func (d *Data) Show(ctx context.Context, w io.Writer) error {
	s, err := d.journal.State(ctx)
	if err != nil {
		return err
	}
	out := table(w, "name", "value")
	fmt.Fprintf(out, "last processed task id\t%s\nlast updated\t%s\nactive version\t%s\nread only\t%t\n",
		number(s.LastTask), s.UpdatedAt.Format(time.DateTime), number(s.Active), s.ReadOnly)
	return out.Flush()
}

// SetReadOnly has the servers refuse writes, or take them again.
func (d *Data) SetReadOnly(ctx context.Context, readOnly bool) error {
	return d.journal.SetReadOnly(ctx, readOnly)
}

// VersionList writes the data versions.
func (d *Data) VersionList(ctx context.Context, w io.Writer) error {
	versions, err := d.journal.Versions(ctx)
	if err != nil {
		return err
	}
	out := table(w, "id", "sync_status", "sync_tasks_status", "stale")
	for _, v := range versions {
		fmt.Fprintf(out, "%d\t%s\t%s\t%t\n", v.ID, v.Sync, none(string(v.Tasks)), v.Stale)
	}
	return out.Flush()
}

// VersionSync has the server that applies the journal render the topology anew and, where activate is set, switch to it, and writes how
// far it is until it has ended. Where ctx ends first, the order is withdrawn.
func (d *Data) VersionSync(ctx context.Context, activate bool, w io.Writer) error {
	if err := d.rendersHere(); err != nil {
		return err
	}
	version, err := d.journal.Order(ctx, activate)
	if err != nil {
		return err
	}
	return d.follow(ctx, version, w)
}

// VersionActivate has that server switch to a version, and waits until it has.
func (d *Data) VersionActivate(ctx context.Context, version int64, w io.Writer) error {
	if err := d.rendersHere(); err != nil {
		return err
	}
	if err := d.journal.OrderActivation(ctx, version); err != nil {
		return err
	}
	return d.follow(ctx, version, w)
}

// rendersHere returns an error where no server on this database renders a topology, so that nobody would take an order.
func (d *Data) rendersHere() error {
	if d.elsewhere {
		return errs.New(errs.Invalid, "RenderedElsewhere", "The configuration's client drives a MidoNet elsewhere, which keeps its own topology: "+
			"there are no data versions to switch here.")
	}
	return nil
}

// followPause is how often a command looks how far a version has come.
const followPause = 200 * time.Millisecond

// follow writes how far the version is, each time that it is further, until it has ended.
func (d *Data) follow(ctx context.Context, version int64, w io.Writer) error {
	last := ""
	for {
		v, err := d.journal.Version(ctx, version)
		if ctx.Err() != nil {
			return errors.Join(ctx.Err(), d.journal.Abort(context.WithoutCancel(ctx), version))
		}
		if err != nil {
			return err
		}
		if words := inWords(v); words != last {
			fmt.Fprintln(w, words)
			last = words
		}
		if !v.Busy() {
			return failure(v)
		}
		select {
		case <-ctx.Done():
		case <-time.After(followPause):
		}
	}
}

// failure is why a version has ended without success.
func failure(v journal.Version) error {
	for _, status := range []journal.SyncStatus{v.Sync, v.Tasks} {
		if status == journal.SyncError || status == journal.SyncAborted {
			return errs.New(errs.Unavailable, "SyncFailed", "data version %d: %s: %s", v.ID, status, v.Error)
		}
	}
	return nil
}

// inWords says how far a version has come.
func inWords(v journal.Version) string {
	switch {
	case v.Busy() && v.Done == 0:
		return fmt.Sprintf("version %d: waiting for the server that applies the journal", v.ID)
	case v.Busy() && v.Sync == journal.SyncStarted:
		return fmt.Sprintf("version %d: %d of %d objects rendered", v.ID, v.Done, v.Total)
	case v.Busy() && v.Done < v.Total:
		return fmt.Sprintf("version %d: %d of %d objects rendered", v.ID, v.Done, v.Total)
	case v.Busy():
		return fmt.Sprintf("version %d: %d objects rendered; %d of %d differences prepared for the switch", v.ID, v.Total, v.Prepared, v.Differences)
	case v.Tasks == journal.SyncCompleted:
		return fmt.Sprintf("version %d: active; %d objects rendered, %d stored ones differed", v.ID, v.Total, v.Differences)
	case v.Tasks == "" && v.Sync == journal.SyncCompleted:
		return fmt.Sprintf("version %d: %d objects rendered, %d stored ones differ", v.ID, v.Total, v.Differences)
	}
	return fmt.Sprintf("version %d: not made or not activated: %s", v.ID, v.Error)
}

// dataStatus adds the state of the data to a status: the newest version and whether clients may write.
func (s *server) dataStatus(ctx context.Context, status *ServerStatus) error {
	if s.ClusterOnly {
		return nil
	}
	state, err := s.journal.State(ctx)
	if err != nil {
		return err
	}
	status.ReadOnly = state.ReadOnly
	versions, err := s.journal.Versions(ctx)
	if len(versions) > 0 {
		status.DataVersion = inWords(versions[len(versions)-1])
	}
	for _, v := range versions {
		if v.Busy() {
			status.DataVersion = inWords(v)
		}
	}
	return err
}

// table returns a writer of columns under the names.
func table(w io.Writer, names ...string) *tabwriter.Writer {
	out := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for n, name := range names {
		if n > 0 {
			fmt.Fprint(out, "\t")
		}
		fmt.Fprint(out, name)
	}
	fmt.Fprintln(out)
	return out
}

// number writes 0 as nothing.
func number(n int64) string {
	if n == 0 {
		return "None"
	}
	return fmt.Sprint(n)
}

func none(s string) string {
	if s == "" {
		return "None"
	}
	return s
}
