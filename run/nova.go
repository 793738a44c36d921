package run

import (
	"context"

	"midonet.org/midonet/neutron/service/nova"
)

// tellNova tells Nova of its ports where the configuration says how, and else does nothing until ctx ends.
func (s *server) tellNova(ctx context.Context) error {
	if !s.options.Nova.Told() {
		<-ctx.Done()
		return ctx.Err()
	}
	notifier, err := nova.New(s.db, s.options.Nova.Notifier(s.Log))
	if err != nil {
		return err
	}
	holder, err := s.holder()
	if err != nil {
		return err
	}
	return notifier.Run(ctx, holder)
}
