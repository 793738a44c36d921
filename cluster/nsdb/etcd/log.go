package etcd

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// zapTo returns a zap logger, which is what etcd writes to, whose entries from the level up go to log, its warnings as those of the level warn.
// Fatal conditions panic rather than end the process, so that OpenEmbedded can turn them into an error.
func zapTo(log *slog.Logger, level zapcore.LevelEnabler, warn slog.Level) *zap.Logger {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return zap.New(&slogCore{LevelEnabler: level, log: log, warn: warn}, zap.WithFatalHook(zapcore.WriteThenPanic))
}

// slogCore is a zap core on top of slog.
type slogCore struct {
	zapcore.LevelEnabler
	log  *slog.Logger
	warn slog.Level // what a warning is
	with []zapcore.Field
}

func (c *slogCore) With(fields []zapcore.Field) zapcore.Core {
	return &slogCore{LevelEnabler: c.LevelEnabler, log: c.log, warn: c.warn, with: append(c.with[:len(c.with):len(c.with)], fields...)}
}

func (c *slogCore) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return ce.AddCore(e, c)
	}
	return ce
}

// beforeFirstTerm is the error of a member that has not written anything yet, and wants to note the version of its files: it tries again a moment
// later (etcdserver/version/monitor.go).
const beforeFirstTerm = "missing term information"

// Write hands an entry on. What etcd warns of (slow disk, slow reads) hurts nobody yet, but an operator wants to know; what its client warns of,
// each try that a member has not answered, is told by who asked.
func (c *slogCore) Write(e zapcore.Entry, fields []zapcore.Field) error {
	encoder := zapcore.NewMapObjectEncoder()
	for _, f := range append(c.with[:len(c.with):len(c.with)], fields...) {
		f.AddTo(encoder)
	}
	level := slog.LevelError
	switch {
	case e.Level == zapcore.WarnLevel:
		level = c.warn
	case strings.Contains(fmt.Sprint(encoder.Fields["error"]), beforeFirstTerm):
		level = slog.LevelDebug
	}
	attrs := make([]slog.Attr, 0, len(encoder.Fields))
	for name, value := range encoder.Fields {
		attrs = append(attrs, slog.Any(name, value))
	}
	c.log.LogAttrs(context.Background(), level, "etcd: "+e.Message, attrs...)
	return nil
}

func (c *slogCore) Sync() error { return nil }
