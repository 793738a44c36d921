package run

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/journal"
)

// watched is an output that does something when it is first told a text.
type watched struct {
	mu   sync.Mutex
	out  bytes.Buffer
	text string
	then func()
}

func (w *watched) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.then != nil && bytes.Contains(b, []byte(w.text)) {
		w.then()
		w.then = nil
	}
	return w.out.Write(b)
}

// TestTheCommandFollowsAVersion plays the server that applies the journal. The command says how far it is, and how it ends.
func TestTheCommandFollowsAVersion(t *testing.T) {
	c := ServerConfig{StateDir: t.TempDir(), Log: slog.New(slog.DiscardHandler)}
	if err := DBUpgrade(t.Context(), c, &bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}
	d, err := OpenData(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	ordered := func() int64 {
		v, err := d.journal.Ordered(t.Context())
		if err != nil || v == nil {
			t.Fatalf("ordered is %v, %v", v, err)
		}
		return v.ID
	}
	render := func() int64 {
		version := ordered()
		progress := d.journal.Progress(t.Context(), version, 20, 20)
		_, rendered := d.journal.Rendered(t.Context(), version, 300)
		if err := errors.Join(progress, rendered); err != nil {
			t.Fatal(err)
		}
		return version
	}

	ctx, cancel := context.WithCancel(t.Context())
	out := &watched{text: "version 1: waiting for the server", then: cancel}
	if err := d.VersionSync(ctx, true, out); !errors.Is(err, context.Canceled) {
		t.Errorf("a command that is interrupted ends with %v", err)
	}
	if v, err := d.journal.Version(t.Context(), 1); err != nil || v.Sync != journal.SyncAborted {
		t.Errorf("the version of a command that is interrupted is %+v, %v", v, err)
	}

	out = &watched{text: "version 2: waiting", then: func() {
		version := render()
		if _, err := d.journal.Prepared(t.Context(), version, 120); err != nil {
			t.Error(err)
		}
		go func() {
			if err := d.journal.Failed(t.Context(), version, "the disk is full"); err != nil {
				t.Error(err)
			}
		}()
	}}
	if err := d.VersionSync(t.Context(), true, out); !errs.Is(err, errs.Unavailable) || !strings.Contains(err.Error(), "ERROR: the disk is full") {
		t.Errorf("a version that fails: %v", err)
	}

	out = &watched{text: "version 2: waiting", then: func() {
		version := render()
		if _, err := d.journal.Prepared(t.Context(), version, 120); err != nil {
			t.Error(err)
		}
	}}
	done := make(chan error, 1)
	followed := &watched{text: "version 2: 20 objects rendered; 120 of 300 differences prepared for the switch", then: func() {
		if err := d.journal.Activated(t.Context(), ordered()); err != nil {
			t.Error(err)
		}
	}}
	go func() { done <- d.VersionActivate(t.Context(), 2, tee{out, followed}) }()
	if err := <-done; err != nil || !strings.Contains(out.out.String(), "version 2: active; 20 objects rendered, 300 stored ones differed") {
		t.Errorf("%v; the command said:\n%s", err, out.out.String())
	}

	var list bytes.Buffer
	if err := d.VersionList(t.Context(), &list); err != nil {
		t.Fatal(err)
	}
	want := "id sync_status sync_tasks_status stale 1 ABORTED None false 2 COMPLETED COMPLETED false"
	if got := strings.Join(strings.Fields(list.String()), " "); got != want {
		t.Errorf("data-version-list: %s, want %s", got, want)
	}
}

// tee writes to both.
type tee struct{ a, b *watched }

func (t tee) Write(b []byte) (int, error) {
	_, _ = t.a.Write(b)
	return t.b.Write(b)
}

// TestNoVersionsOfAMidoNetElsewhere: nobody would take the order.
func TestNoVersionsOfAMidoNetElsewhere(t *testing.T) {
	file := filepath.Join(t.TempDir(), "neutron.conf")
	text := "[DEFAULT]\nservice_plugins = midonet_l3\n[midonet]\nclient = midonet.neutron.client.api.MidonetApiClient\nmidonet_uri = http://127.0.0.1:1/midonet-api\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c := ServerConfig{StateDir: t.TempDir(), ConfigFiles: []string{file}, Log: slog.New(slog.DiscardHandler)}
	if err := DBUpgrade(t.Context(), c, &bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}
	d, err := OpenData(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for name, order := range map[string]func() error{
		"sync":     func() error { return d.VersionSync(t.Context(), true, &bytes.Buffer{}) },
		"activate": func() error { return d.VersionActivate(t.Context(), 1, &bytes.Buffer{}) },
	} {
		if err := order(); !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), "elsewhere") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if v, err := d.journal.Ordered(t.Context()); err != nil || v != nil {
		t.Errorf("ordered is %v, %v", v, err)
	}
}
