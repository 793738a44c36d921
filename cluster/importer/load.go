package importer

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/cluster/translate"
	"midonet.org/midonet/topology"
)

// rendered are the kinds that the importer owns: what it did not make of a source is not to be there, unless an operator made it.
var rendered = map[topology.Kind]bool{
	topology.KindBridge: true, topology.KindPort: true, topology.KindDHCP: true, topology.KindDHCPHost: true,
	topology.KindMACEntry: true, topology.KindNeighbour: true, topology.KindTunnelKey: true, topology.KindRouter: true,
	topology.KindRoute: true, topology.KindFloatingIP: true, topology.KindPortForwarding: true, topology.KindChain: true,
	topology.KindAddrGroup: true, topology.KindGroupMember: true, topology.KindPortGroup: true,
}

// loggedRepairs bounds how many repairs are logged one by one.
const loggedRepairs = 20

// load reads the store and makes good what differs from a full rendering of what Neutron has.
func (i *Importer) load(ctx context.Context) (*state, error) {
	identity, err := i.identity(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the journal: %w", err)
	}
	if err := i.store.Settle(ctx); err != nil {
		return nil, err
	}
	snapshot, err := i.store.View(ctx)
	if err != nil {
		return nil, err
	}
	s, repairs, err := i.compare(ctx, snapshot.Objects)
	if err != nil {
		return nil, err
	}
	s.journal = identity
	if i.reader == nil {
		s.own = map[nsdb.Revision]bool{}
	}
	if s.progress != nil && s.progress.Journal != identity {
		return nil, foreign(s.progress.Journal, identity)
	}
	s.revision, s.viewed = snapshot.Revision, snapshot.Revision
	if err := i.beginWith(ctx, s, snapshot, repairs); err != nil {
		return nil, err
	}
	if i.reader != nil {
		i.begun(s, s.revision)
	}
	return s, nil
}

// beginWith writes the repairs, and that a turn begins. Those who take requests write side by side: a turn of one does not wait for the others.
func (i *Importer) beginWith(ctx context.Context, s *state, snapshot *nsdb.Snapshot, repairs delta) error {
	i.report(func(status *Status) { status.Repaired = len(repairs) })
	if len(repairs) > 0 {
		i.logRepairs(describe(snapshot.Objects, repairs))
	} else if i.reader == nil {
		return nil
	}
	progress := s.copyProgress()
	progress.Turns++
	if len(repairs) > 0 {
		progress.Repairs++
	}
	if err := i.commit(ctx, s, repairs, progress, nil); err != nil || i.reader == nil {
		return err
	}
	return i.reader.SetMark(ctx, s.mark())
}

// identity names what feeds the importer: its journal, or requests.
func (i *Importer) identity(ctx context.Context) (string, error) {
	if i.reader == nil {
		return requestIdentity, nil
	}
	return i.reader.Identity(ctx)
}

func (i *Importer) logRepairs(differences []string) {
	i.log.Warn("the stored topology differs from what the Neutron objects render to; repairing it", "differences", len(differences))
	for _, d := range differences[:min(len(differences), loggedRepairs)] {
		i.log.Warn("repairing: " + d)
	}
}

// restore makes the state that stored objects stand for, and returns what must be written so that they are what it renders to.
func restore(objects map[topology.Key]topology.Object, settings translate.Settings,
	shown func(done, total int) error) (*state, delta, error) {
	s := newState(settings, nsdb.MaxObjectBytes)
	stored := map[topology.Key]topology.Object{}
	for key, o := range objects {
		if key.Kind == topology.KindSource || key.Kind == topology.KindProgress {
			if err := s.learn(o); err != nil {
				return nil, nil, err
			}
		}
		if owned(o) {
			stored[key] = o
		}
	}
	s.reserveKeys(objects)
	s.restoreKeys(stored)
	rendered, err := renderShowing(s.set, shown)
	if err != nil {
		return nil, nil, err
	}
	wanted, err := s.complete(rendered)
	if err != nil {
		return nil, nil, err
	}
	repairs := diff(stored, wanted)
	for key, o := range repairs {
		if key.Kind == topology.KindTunnelKey && o != nil && stored[key] != nil {
			s.mistaken[key] = stored[key]
		}
	}
	return s, repairs, nil
}

// owned reports whether the object is the importer's to keep right.
func owned(o topology.Object) bool { return rendered[o.Key().Kind] && !topology.ByOperator(o) }

// reserveKeys keeps away from the tunnel keys of the ports that operators have made, which no repair can take from them.
func (s *state) reserveKeys(objects map[topology.Key]topology.Object) {
	for _, o := range objects {
		if r, ok := o.(*topology.TunnelKey); ok && r.ByOperator {
			s.keys.reserve(r.Port, r.Number)
		}
	}
}

// renderShowing is translate.All, and calls shown after each owner, whose error ends it.
func renderShowing(set *translate.Set, shown func(done, total int) error) ([]topology.Object, error) {
	var objects []topology.Object
	owners := set.Owners()
	for n, o := range owners {
		objects = append(objects, translate.Render(set, o)...)
		if err := shown(n+1, len(owners)); err != nil {
			return nil, err
		}
	}
	return objects, nil
}

// restoreKeys takes over the tunnel keys of the ports that will be rendered. Where reservations and ports disagree, what a port says
// counts first, since other hosts may already know it.
func (s *state) restoreKeys(stored map[topology.Key]topology.Object) {
	for _, key := range sortedKeys(stored) {
		if p, ok := stored[key].(*topology.Port); ok && s.exterior(p.ID) {
			s.keys.take(p.ID, p.TunnelKey)
		}
	}
	for _, key := range sortedKeys(stored) {
		if r, ok := stored[key].(*topology.TunnelKey); ok && s.exterior(r.Port) {
			s.keys.take(r.Port, r.Number)
		}
	}
}

// describe says in words what the repairs will change, in order of key.
func describe(stored map[topology.Key]topology.Object, repairs delta) []string {
	var words []string
	for _, key := range sortedKeys(repairs) {
		switch have, want := stored[key], repairs[key]; {
		case key.Kind == topology.KindSource:
			words = append(words, describeSource(have, want))
		case have == nil:
			words = append(words, fmt.Sprintf("%v is missing: %+v", key, want))
		case want == nil:
			words = append(words, fmt.Sprintf("%v belongs to no Neutron object: %+v", key, have))
		default:
			words = append(words, fmt.Sprintf("%v is %+v and should be %+v", key, have, want))
		}
	}
	return words
}

// describeSource says what is wrong with a stored Neutron object, of which there may be much to print.
func describeSource(have, want topology.Object) string {
	switch have, isStored := have.(*topology.Source); {
	case !isStored:
		want := want.(*topology.Source)
		return fmt.Sprintf("Neutron's %s is missing", translate.Owner{Resource: translate.Resource(want.Resource), ID: want.ID})
	case want == nil:
		return fmt.Sprintf("%s is gone from Neutron", translate.Owner{Resource: translate.Resource(have.Resource), ID: have.ID})
	default:
		return fmt.Sprintf("%s is another in Neutron", translate.Owner{Resource: translate.Resource(have.Resource), ID: have.ID})
	}
}

func sortedKeys(m map[topology.Key]topology.Object) []topology.Key {
	return slices.SortedFunc(maps.Keys(m), func(a, b topology.Key) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), slices.Compare(a.ID[:], b.ID[:]))
	})
}
