package importer

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/cluster/nsdb/etcd"
	"midonet.org/midonet/cluster/nsdb/staging"
	"midonet.org/midonet/cluster/translate"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/neutron/model"
)

// patience is how long a test waits for what must come.
const patience = time.Minute

// memoryJournal is a journal.Reader over a slice, and the journal.Inventory of what its tasks have made.
type memoryJournal struct {
	identity string

	mu       sync.Mutex
	tasks    []journal.Task
	contents map[string]journal.Task // by resource, what its newest task says
	mark     journal.Mark
	lastID   int64
	failDone int // how many calls of Done are to fail from now on
	appended chan struct{}
}

func newJournal(identity string) *memoryJournal {
	return &memoryJournal{identity: identity, appended: make(chan struct{}, 1), contents: map[string]journal.Task{}}
}

func (j *memoryJournal) Identity(context.Context) (string, error) { return j.identity, nil }

func (j *memoryJournal) Pending(_ context.Context, limit int) ([]journal.Task, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.tasks[:min(limit, len(j.tasks))]), nil
}

func (j *memoryJournal) Done(_ context.Context, ids []int64, at journal.Mark) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.failDone > 0 {
		j.failDone--
		return fmt.Errorf("the database went away")
	}
	done := map[int64]bool{}
	for _, id := range ids {
		done[id] = true
	}
	j.tasks = slices.DeleteFunc(j.tasks, func(t journal.Task) bool { return done[t.ID] })
	if j.mark.Store != at.Store {
		at = journal.Mark{}
	}
	j.mark = at
	return nil
}

func (j *memoryJournal) Mark(context.Context) (journal.Mark, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.mark, nil
}

func (j *memoryJournal) SetMark(_ context.Context, m journal.Mark) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.mark = m
	return nil
}

func (j *memoryJournal) Wait(ctx context.Context) error {
	select {
	case <-j.appended:
		return nil
	case <-time.After(time.Second):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (j *memoryJournal) Contents(context.Context) (journal.Contents, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	c := journal.Contents{Resources: slices.Collect(maps.Values(j.contents)), Pending: map[string]bool{}}
	for _, t := range j.tasks {
		c.Pending[t.ResourceID] = true
	}
	return c, nil
}

func (j *memoryJournal) pending() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.tasks)
}

func (j *memoryJournal) append(typ journal.Type, dataType journal.DataType, resourceID string, data []byte) int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lastID++
	task := journal.Task{ID: j.lastID, Type: typ, DataType: dataType, ResourceID: resourceID, Data: data}
	j.tasks = append(j.tasks, task)
	if typ != journal.Delete {
		j.contents[resourceID] = task
	} else if j.contents[resourceID].DataType == dataType {
		delete(j.contents, resourceID)
	}
	select {
	case j.appended <- struct{}{}:
	default:
	}
	return j.lastID
}

func (j *memoryJournal) putNetwork(n *model.Network) int64 {
	return j.append(journal.Update, journal.Network, n.ID.String(), encode(n))
}

func (j *memoryJournal) putSubnet(s *model.Subnet) int64 {
	return j.append(journal.Update, journal.Subnet, s.ID.String(), encode(s))
}

func (j *memoryJournal) putPort(p *model.Port) int64 {
	return j.append(journal.Create, journal.Port, p.ID.String(), encode(p))
}

func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

func network(n byte) *model.Network {
	return &model.Network{ID: model.NetworkID{1, n}, Name: fmt.Sprint("net", n), AdminStateUp: true, MTU: 1450, NetworkType: "midonet"}
}

func subnet(n byte, of model.NetworkID) *model.Subnet {
	return &model.Subnet{ID: model.SubnetID{2, n}, NetworkID: of, IPVersion: 4, EnableDHCP: true,
		CIDR: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, n}), 16), GatewayIP: netip.AddrFrom4([4]byte{10, n, 0, 1})}
}

func port(n uint16, of model.NetworkID) *model.Port {
	hi, lo := byte(n>>8), byte(n)
	return &model.Port{ID: model.PortID{3, hi, lo}, NetworkID: of, AdminStateUp: true, DeviceOwner: "compute:nova",
		MACAddress: mac.Addr{0xfa, 0x16, 0x3e, 0, hi, lo},
		FixedIPs:   []model.FixedIP{{SubnetID: model.SubnetID{2}, IPAddress: netip.AddrFrom4([4]byte{10, 0, hi, lo})}}}
}

// bench is an importer with what it joins, driven step by step.
type bench struct {
	testing.TB
	engine   nsdb.Store
	store    nsdb.Large // over the engine
	journal  *memoryJournal
	importer *Importer
	state    *state
	largest  int // the most octets of an object; 0: as always
}

func newBench(t testing.TB) *bench {
	t.Helper()
	b := emptyBench(t)
	b.restart()
	return b
}

// emptyBench is a bench whose importer has not begun.
func emptyBench(t testing.TB) *bench {
	t.Helper()
	store, err := etcd.OpenEmbedded(t.Context(), etcd.Embedded{Dir: t.TempDir(), Log: logTo(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return &bench{TB: t, engine: store, store: staging.Over(store), journal: newJournal("j")}
}

// restart forgets all that is in memory, as a new process would.
func (b *bench) restart() {
	b.Helper()
	b.importer = New(b.store, b.journal, translate.DefaultSettings(), logTo(b))
	b.importer.CompareWith(b.journal)
	if b.largest != 0 {
		b.importer.largest = b.largest
	}
	s, err := b.importer.load(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	b.state = s
}

// drain applies what is pending and checks that incremental equals full.
func (b *bench) drain() {
	b.Helper()
	if _, err := b.importer.drain(b.Context(), b.state); err != nil {
		b.Fatalf("drain: %v", err)
	}
	b.wantNoDifferences()
}

func (b *bench) wantNoDifferences() {
	b.Helper()
	report, err := b.importer.Check(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	for _, d := range report.Differences {
		b.Errorf("incremental differs from full: %s", d)
	}
}

func logTo(t testing.TB) *slog.Logger { return slog.New(slog.NewTextHandler(t.Output(), nil)) }
