package etcd

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

func TestLog(t *testing.T) {
	var out bytes.Buffer
	log := zapTo(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})), zapcore.WarnLevel, slog.LevelWarn)
	for _, c := range []struct {
		write func()
		want  string
	}{
		{func() { log.Info("serving") }, ""},
		{func() { log.Warn("slow fdatasync", zap.String("took", "2s")) }, `level=WARN msg="etcd: slow fdatasync" took=2s`},
		{func() { log.Error("failed", zap.Error(errors.New("no space"))) }, `level=ERROR msg="etcd: failed" error="no space"`},
		{func() {
			log.Error("failed to update storage version", zap.Error(errors.New("cannot detect storage schema version: missing term information")))
		}, `level=DEBUG msg="etcd: failed to update storage version" error="cannot detect`},
	} {
		out.Reset()
		c.write()
		if got := out.String(); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
