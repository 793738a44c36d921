package etcd

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// lockTimeout is how long the lock of etcd's database file is waited for: a process that was killed may take a moment to go.
const lockTimeout = 2 * time.Second

// checkFiles looks at etcd's files before etcd does. etcd opens its database on a goroutine of its own, whose panic over a damaged file
// nobody can catch, waits without limit for one that another process holds, and starts empty or not at all when one of database and
// log is missing. It makes the database first and then the log, and keeps the objects in the bucket "key".
func checkFiles(dir string) error {
	database := filepath.Join(dir, "member", "snap", "db")
	logs, err := filepath.Glob(filepath.Join(dir, "member", "wal", "*.wal"))
	if err != nil {
		return err
	}
	info, err := os.Stat(database)
	switch {
	case os.IsNotExist(err) && len(logs) == 0:
		return nil
	case os.IsNotExist(err):
		return fmt.Errorf("%s is missing", database)
	case err != nil:
		return err
	case info.Size() == 0 && len(logs) == 0: // the very first start was cut off
		return nil
	}
	db, err := bolt.Open(database, 0o600, &bolt.Options{ReadOnly: true, Timeout: lockTimeout})
	if errors.Is(err, bolterrors.ErrTimeout) {
		return fmt.Errorf("%s is in use by another process", database)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", database, err)
	}
	defer db.Close()
	return db.View(func(tx *bolt.Tx) error {
		if info.Size() < tx.Size() {
			return fmt.Errorf("%s has %d octets of %d: it was cut short", database, info.Size(), tx.Size())
		}
		if len(logs) == 0 && applied(tx) > 0 {
			return fmt.Errorf("the log beside %s is missing", database)
		}
		return nil
	})
}

// applied returns how far etcd has applied its log to the database (its server/storage/schema, MetaConsistentIndexKeyName). With another
// log, what has a smaller index would be taken for applied, and no write would ever end.
func applied(tx *bolt.Tx) uint64 {
	meta := tx.Bucket([]byte("meta"))
	if meta == nil {
		return 0
	}
	if index := meta.Get([]byte("consistent_index")); len(index) == 8 {
		return binary.BigEndian.Uint64(index)
	}
	return 0
}
