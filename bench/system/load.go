package main

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// loadFor repeats the request by so many clients for about the given time, or until nothing is left to use, and returns how many were
// answered and how long they took.
func loadFor(length time.Duration, clients int, request func() error) (requests int64, took time.Duration, err error) {
	var (
		done  atomic.Int64
		first error
		once  sync.Once
		wg    sync.WaitGroup
	)
	began := time.Now()
	deadline := began.Add(length)
	for range clients {
		wg.Go(func() {
			for time.Now().Before(deadline) {
				if err := request(); errors.Is(err, errUsedUp) {
					return
				} else if err != nil {
					once.Do(func() { first = err })
					return
				}
				done.Add(1)
			}
		})
	}
	wg.Wait()
	return done.Load(), time.Since(began), first
}
