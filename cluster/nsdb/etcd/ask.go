package etcd

import (
	"context"
	"errors"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	// answerTimeout is how long a member may take to answer a client outside its process. Without a limit, a request to a member that
	// is cut off waits until the connection is given up, longer than the leases that wait for it live.
	answerTimeout = 2 * time.Second
	// pageTimeout is the same for a page of a View, which is some megabytes.
	pageTimeout = 20 * time.Second
	// patience is how long a request that may be repeated outlasts a cluster that does not answer. An election takes a few seconds.
	patience = 10 * time.Second
	// retryPause is the wait between two tries of it.
	retryPause = 100 * time.Millisecond
	// firstTries is how many times the first try of it is shorter than the limit; each further one may take twice as long. The client asks
	// its members in turn, so that one which is cut off, and answers nobody, costs little time; one that is slow gets all of it in the end.
	firstTries = 8
)

// ask makes one request within the time that a member may take. Where that has passed, nobody knows what became of the request.
func ask[T any](ctx context.Context, s *Store, timeout time.Duration, request func(context.Context) (T, error)) (T, error) {
	if !s.remote {
		return request(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return request(ctx)
}

// repeat makes a request that may be made again, to whichever member answers, for as long as patience lasts. limit is how long one try
// may take at most.
func repeat[T any](ctx context.Context, s *Store, limit time.Duration, request func(context.Context) (T, error)) (T, error) {
	deadline := time.Now().Add(patience)
	for timeout := limit / firstTries; ; timeout = min(2*timeout, limit) {
		v, err := ask(ctx, s, timeout, request)
		if !s.remote || !away(err) || ctx.Err() != nil || time.Now().After(deadline) {
			return v, err
		}
		select {
		case <-time.After(retryPause):
		case <-ctx.Done():
			return v, ctx.Err()
		}
	}
}

// away reports whether err says that no member answered, or none that has a leader.
func away(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	code := status.Code(err)
	var coded interface{ Code() codes.Code } // what the client makes of the server's errors
	if errors.As(err, &coded) {
		code = coded.Code()
	}
	switch code {
	case codes.Unavailable, codes.DeadlineExceeded:
		return true
	case codes.Unknown: // so a member answers that passed the request on to a leader which is cut off
		return status.Convert(err).Message() == context.DeadlineExceeded.Error()
	default:
		return false
	}
}

// get reads keys.
func (s *Store) get(ctx context.Context, timeout time.Duration, key string, opts ...clientv3.OpOption) (*clientv3.GetResponse, error) {
	resp, err := repeat(ctx, s, timeout, func(ctx context.Context) (*clientv3.GetResponse, error) {
		return s.client.Get(ctx, key, opts...)
	})
	if err != nil {
		return nil, s.failure("read", err)
	}
	return resp, nil
}
