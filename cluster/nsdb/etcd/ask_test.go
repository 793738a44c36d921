package etcd

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"midonet.org/midonet/errs"
)

func TestAway(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want bool
	}{
		{fmt.Errorf("asked: %w", context.DeadlineExceeded), true},
		{status.Error(codes.Unavailable, "etcdserver: leader changed"), true},
		{status.Error(codes.DeadlineExceeded, ""), true},
		{status.Error(codes.Unknown, "context deadline exceeded"), true},
		{status.Error(codes.Unknown, "panic"), false},
		{status.Error(codes.InvalidArgument, "context deadline exceeded"), false},
		{context.Canceled, false},
		{errs.New(errs.Internal, "Damaged", "damaged"), false},
		{nil, false},
	} {
		if got := away(c.err); got != c.want {
			t.Errorf("away(%v) is %v", c.err, got)
		}
	}
}

// TestFailuresNameWhoDoesNotAnswer asks for the members in the errors that go to the log and to midonet status.
func TestFailuresNameWhoDoesNotAnswer(t *testing.T) {
	t.Parallel()
	late := fmt.Errorf("asked: %w", context.DeadlineExceeded)
	remote := &Store{remote: true, members: "http://a:2379, http://b:2379"}
	for _, c := range []struct {
		store *Store
		err   error
		want  string
	}{
		{remote, late, "network state database: read: etcd at http://a:2379, http://b:2379 does not answer: asked: context deadline exceeded"},
		{remote, errors.New("damaged"), "network state database: read: damaged"},
		{&Store{}, late, "network state database: read: asked: context deadline exceeded"},
	} {
		if err := c.store.failure("read", c.err); err.Error() != c.want || !errors.Is(err, c.err) {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
}

// TestRepeatGivesEachTryMoreTime: a member that is cut off costs a short try, and one that is slow gets the limit in the end.
func TestRepeatGivesEachTryMoreTime(t *testing.T) {
	t.Parallel()
	const limit = 8 * time.Second
	var allowed []time.Duration
	_, err := repeat(t.Context(), &Store{remote: true}, limit, func(ctx context.Context) (struct{}, error) {
		deadline, _ := ctx.Deadline()
		allowed = append(allowed, time.Until(deadline))
		if len(allowed) < 6 {
			return struct{}{}, context.DeadlineExceeded
		}
		return struct{}{}, errors.New("answered")
	})
	if err == nil || err.Error() != "answered" {
		t.Fatalf("repeat: %v", err)
	}
	want := limit / firstTries
	for i, got := range allowed {
		if got > want || i == len(allowed)-1 && got <= limit/2 {
			t.Errorf("try %d was given %v, want %v", i+1, got, want)
		}
		want = min(2*want, limit)
	}
}
