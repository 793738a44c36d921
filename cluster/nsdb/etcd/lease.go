package etcd

import (
	"context"
	"errors"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"midonet.org/midonet/cluster/nsdb"
)

// Grant returns an etcd lease. etcd deletes what a lease holds in one revision, hence one step, within about a second of its end.
// It lengthens a lease that is shorter than one and a half times the election timeout of its members.
func (s *Store) Grant(ctx context.Context, ttl time.Duration) (nsdb.Lease, error) {
	seconds := int64((ttl + time.Second - 1) / time.Second)
	resp, err := repeat(ctx, s, answerTimeout, func(ctx context.Context) (*clientv3.LeaseGrantResponse, error) {
		return s.client.Grant(ctx, seconds)
	})
	if err != nil {
		return nil, s.failure("grant a lease", err)
	}
	return &lease{store: s, id: resp.ID}, nil
}

type lease struct {
	store *Store
	id    clientv3.LeaseID
}

func (l *lease) ID() int64 { return int64(l.id) }

func (l *lease) Renew(ctx context.Context) error {
	_, err := repeat(ctx, l.store, answerTimeout, func(ctx context.Context) (*clientv3.LeaseKeepAliveResponse, error) {
		return l.store.client.KeepAliveOnce(ctx, l.id)
	})
	return l.store.leaseFailure("renew a lease", err)
}

func (l *lease) Revoke(ctx context.Context) error {
	_, err := ask(ctx, l.store, answerTimeout, func(ctx context.Context) (*clientv3.LeaseRevokeResponse, error) {
		return l.store.client.Revoke(ctx, l.id)
	})
	return l.store.leaseFailure("revoke a lease", err)
}

func (s *Store) leaseFailure(operation string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, rpctypes.ErrLeaseNotFound):
		return nsdb.ErrLeaseLost
	default:
		return s.failure(operation, err)
	}
}
