package journal

import (
	"testing"

	"midonet.org/midonet/neutron/store/storetest"
)

func TestTheMarkFollowsOneStore(t *testing.T) {
	_, j := open(t, storetest.New(t))
	want := func(m Mark) {
		t.Helper()
		if got, err := j.Mark(ctx); err != nil || got != m {
			t.Errorf("the mark is %+v, %v; want %+v", got, err, m)
		}
	}
	want(Mark{})
	done := func(at Mark) {
		t.Helper()
		if err := j.Done(ctx, []int64{1}, at); err != nil {
			t.Fatal(err)
		}
	}
	done(Mark{Store: "one", Applied: 1}) // nobody has said that it has what came before
	want(Mark{})
	if err := j.SetMark(ctx, Mark{Store: "one", Applied: 1}); err != nil {
		t.Fatal(err)
	}
	done(Mark{Store: "one", Applied: 3})
	want(Mark{Store: "one", Applied: 3})
	done(Mark{Store: "another", Applied: 7})
	want(Mark{})
	if err := j.SetMark(ctx, Mark{Store: "another", Applied: 7}); err != nil {
		t.Fatal(err)
	}
	done(Mark{}) // to a MidoNet elsewhere
	want(Mark{})
}
