package etcd

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3client"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"midonet.org/midonet/errs"
)

// startTimeout bounds the wait for etcd to be ready; it takes a fraction of a second, and more after a crash with a long log.
const startTimeout = time.Minute

// Embedded says where the etcd inside this process lives.
type Embedded struct {
	Dir string // made if missing; nothing else may be in it
	Log *slog.Logger

	// listenClients are addresses for clients outside this process. Tests of Dial use it.
	listenClients []url.URL
}

// OpenEmbedded starts an etcd of one member inside this process and opens the network state database in it. It listens nowhere: calls
// go to the server as functions. Every committed Update is on disk. A directory that is damaged or in use gives an error that names
// it, and is left as it is.
func OpenEmbedded(ctx context.Context, e Embedded) (*Store, error) {
	if err := os.MkdirAll(e.Dir, 0o700); err != nil {
		return nil, e.unusable(err)
	}
	if err := checkFiles(e.Dir); err != nil {
		return nil, e.unusable(err)
	}
	// While it starts, etcd warns of what is meant to be so here: one member, no authentication.
	level := zap.NewAtomicLevelAt(zapcore.ErrorLevel)
	server, err := start(e.config(zapTo(e.Log, level, slog.LevelWarn)))
	if err != nil {
		return nil, e.unusable(err)
	}
	select {
	case <-server.Server.ReadyNotify():
	case err := <-server.Err():
		server.Close()
		return nil, e.unusable(err)
	case <-time.After(startTimeout):
		server.Close()
		return nil, e.unusable(fmt.Errorf("etcd was not ready within %v", startTimeout))
	case <-ctx.Done():
		server.Close()
		return nil, ctx.Err()
	}
	level.SetLevel(zapcore.WarnLevel)
	client := v3client.New(server.Server)
	return newStore(client, DefaultRootKey, func() error {
		client.Close() // has no connection to lose; its error only says that it is closed
		server.Close()
		return nil
	}), nil
}

func (e Embedded) unusable(err error) error {
	return errs.New(errs.Internal, "StateDirectoryUnusable",
		"The network state database in %s cannot be opened; it may be damaged, or of another program. Restore the directory from a copy, or "+
			"move it away: the next start makes it from what Neutron has, and interfaces must be bound again", e.Dir).Wrap(err)
}

// start is embed.StartEtcd, with the panics by which etcd answers a damaged log turned into errors.
func start(cfg *embed.Config) (server *embed.Etcd, err error) {
	defer func() {
		if p := recover(); p != nil {
			server, err = nil, fmt.Errorf("%v", p)
		}
	}()
	return embed.StartEtcd(cfg)
}

// config is tuned for one member on one machine: short ticks for a quick start (nobody else can win the election), a short log in
// memory, and a history long enough that a watcher behind by thousands of steps can still go on.
func (e Embedded) config(log *zap.Logger) *embed.Config {
	cfg := embed.NewConfig()
	cfg.Name = "midonet"
	cfg.Dir = e.Dir
	cfg.ListenPeerUrls = nil
	cfg.ListenClientUrls = e.listenClients
	cfg.InitialCluster = cfg.InitialClusterFromName(cfg.Name)
	cfg.TickMs, cfg.ElectionMs = 50, 500
	cfg.SnapshotCount, cfg.SnapshotCatchUpEntries = 250, 50
	cfg.AutoCompactionMode, cfg.AutoCompactionRetention = embed.CompactorModeRevision, "10000"
	cfg.QuotaBackendBytes = 8 << 30
	cfg.WarningApplyDuration = time.Second // a View of a large store takes a tenth
	cfg.ZapLoggerBuilder = embed.NewZapLoggerBuilder(log)
	return cfg
}
