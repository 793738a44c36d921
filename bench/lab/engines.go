package lab

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// MariaDB is a database server that listens on a Unix socket alone.
type MariaDB struct {
	*Process
	socket string
}

// StartMariaDB starts one with its files in the directory, and with more options than it needs. The programs are those of Debian's
// mariadb-server.
func StartMariaDB(ctx context.Context, dir string, options ...string) (*MariaDB, error) {
	for _, program := range []string{"mariadbd", "mariadb", "mariadb-install-db"} {
		if _, err := exec.LookPath(program); err != nil {
			return nil, err
		}
	}
	data, socket := filepath.Join(dir, "mariadb"), filepath.Join(dir, "mariadb.sock")
	// With temporary files of its own: of two that are installed at once one may take the other's for its own.
	if out, err := exec.CommandContext(ctx, "mariadb-install-db", "--no-defaults", "--datadir="+data, "--tmpdir="+dir, "--user=root",
		"--auth-root-authentication-method=normal", "--skip-test-db").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("mariadb-install-db: %w: %s", err, out)
	}
	options = append([]string{"--no-defaults", "--datadir=" + data, "--tmpdir=" + dir, "--socket=" + socket, "--skip-networking", "--user=root"}, options...)
	p, err := Start(exec.CommandContext(ctx, "mariadbd", options...))
	return &MariaDB{p, socket}, err
}

// Database makes a database and a user of the same name, once the server answers, and returns its URL as neutron.conf has it.
func (m *MariaDB) Database(ctx context.Context, name string) (connection string, err error) {
	statements := strings.ReplaceAll(`CREATE DATABASE % CHARACTER SET utf8; CREATE USER %@localhost IDENTIFIED BY '%';
		GRANT ALL ON %.* TO %@localhost`, "%", name)
	for range 100 {
		if err = exec.CommandContext(ctx, "mariadb", "--no-defaults", "-S", m.socket, "-e", statements).Run(); err == nil {
			return fmt.Sprintf("mysql+pymysql://%s:%[1]s@localhost/%[1]s?unix_socket=%s", name, m.socket), nil
		}
		time.Sleep(200 * time.Millisecond)
	}
	return "", fmt.Errorf("making a database in MariaDB: %w", err)
}

// Execute has a database execute statements.
func (m *MariaDB) Execute(ctx context.Context, database, statements string) error {
	if out, err := exec.CommandContext(ctx, "mariadb", "--no-defaults", "-S", m.socket, database, "-e", statements).CombinedOutput(); err != nil {
		return fmt.Errorf("executing statements in MariaDB: %w: %s", err, out)
	}
	return nil
}

// Copy puts what one database has into another, which is empty.
func (m *MariaDB) Copy(ctx context.Context, from, to string) error {
	dump := exec.CommandContext(ctx, "mariadb-dump", "--no-defaults", "-S", m.socket, from)
	load := exec.CommandContext(ctx, "mariadb", "--no-defaults", "-S", m.socket, to)
	var err error
	if load.Stdin, err = dump.StdoutPipe(); err != nil {
		return err
	}
	if err := dump.Start(); err != nil {
		return err
	}
	if out, err := load.CombinedOutput(); err != nil {
		return fmt.Errorf("copying a database in MariaDB: %w: %s", err, out)
	}
	return dump.Wait()
}

// StartEtcd starts an etcd of one member with its files in the directory, and returns its address too.
func StartEtcd(ctx context.Context, dir string) (p *Process, address string, err error) {
	if address, err = FreeAddress(); err != nil {
		return nil, "", err
	}
	peer, err := FreeAddress()
	if err != nil {
		return nil, "", err
	}
	p, err = Start(exec.CommandContext(ctx, "etcd", "--data-dir", filepath.Join(dir, "etcd"), "--logger", "zap", "--log-level", "error",
		"--quota-backend-bytes", fmt.Sprint(8<<30), "--auto-compaction-mode", "revision", "--auto-compaction-retention", "10000",
		"--listen-client-urls", "http://"+address, "--advertise-client-urls", "http://"+address,
		"--listen-peer-urls", "http://"+peer, "--initial-advertise-peer-urls", "http://"+peer, "--initial-cluster", "default=http://"+peer))
	return p, address, err
}
