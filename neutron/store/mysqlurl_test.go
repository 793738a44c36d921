package store

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"midonet.org/midonet/errs"
)

func TestMySQLConnections(t *testing.T) {
	for _, c := range []struct{ url, user, password, network, address, database string }{
		{"mysql+pymysql://neutron:secret@db/neutron?charset=utf8", "neutron", "secret", "tcp", "db:3306", "neutron"},
		{"mysql://neutron:secret@db:3307/neutron", "neutron", "secret", "tcp", "db:3307", "neutron"},
		{"mariadb+mariadbconnector://n@10.0.0.1/x", "n", "", "tcp", "10.0.0.1:3306", "x"},
		{"mysql+pymysql://n:p@[2001:db8::1]:3310/x", "n", "p", "tcp", "[2001:db8::1]:3310", "x"},
		{"mysql+pymysql://n:p%40ss%3Aw%2Frd%25@h/x", "n", "p@ss:w/rd%", "tcp", "h:3306", "x"},
		{"mysql+pymysql://n:a/b:c#d+e?@h/x", "n", "a/b:c#d+e?", "tcp", "h:3306", "x"},
		{"mysql+pymysql://n%40m:p@/x?unix_socket=/run/mysqld/mysqld.sock", "n@m", "p", "unix", "/run/mysqld/mysqld.sock", "x"},
	} {
		d, err := dialectOf(c.url)
		if err != nil {
			t.Errorf("%s: %v", c.url, err)
			continue
		}
		got := d.(*mysqlDialect).config
		if got.User != c.user || got.Passwd != c.password || got.Net != c.network || got.Addr != c.address || got.DBName != c.database {
			t.Errorf("%s: %s %s %s %s %s", c.url, got.User, got.Passwd, got.Net, got.Addr, got.DBName)
		}
		if d.Location() != c.address+"/"+c.database {
			t.Errorf("%s is told to people as %s", c.url, d.Location())
		}
	}
}

func TestMySQLConnectionsThatAreWrong(t *testing.T) {
	for _, c := range []struct{ url, part string }{
		{"mysql+pymysql://n:secret@h", "names no database"},
		{"mysql+pymysql://n:secret%zz@h/x", "the password has a % that does not begin an escape"},
		{"mysql+pymysql://n:secret@with@h/x", "escape an @ in the password as %40"},
		{"mysql+pymysql:/n:secret@h/x", "is not a URL"},
		{"mysql+pymysql://n:secret@h/x?ssl_cq=/etc/ca.pem", "option ssl_cq: this version does not know it"},
		{"mysql+pymysql://n:secret@h/x?connect_timeout=soon", `option connect_timeout: "soon" is not a number of seconds`},
		{"mysql+pymysql://n:secret@h/x?ssl_ca=/nowhere.pem", "/nowhere.pem: no such file"},
		{"mysql+pymysql://n:secret@h/x?ssl_verify_cert=perhaps", `"perhaps" is neither true nor false`},
	} {
		_, err := dialectOf(c.url)
		if !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), c.part) {
			t.Errorf("%s: %v, want %s", c.url, err, c.part)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the error tells the password: %v", err)
		}
	}
}

// certificate writes a self-signed certificate for the name and returns its file.
func certificate(t *testing.T, name string) (file string, pair tls.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return file, tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// TestMySQLOverTLS shakes hands with a server whose certificate is good, or another's, or made out to another name.
func TestMySQLOverTLS(t *testing.T) {
	good, served := certificate(t, "db.example")
	other, _ := certificate(t, "db.example")
	for _, c := range []struct {
		options string
		works   bool
	}{
		{"db.example/x?ssl_ca=" + good, true},
		{"db.example/x?ssl_ca=" + other, false},
		{"elsewhere.example/x?ssl_ca=" + good, false},
		{"elsewhere.example/x?ssl_check_hostname=false&ssl_ca=" + good, true},
		{"elsewhere.example/x?ssl_check_hostname=false&ssl_ca=" + other, false},
		{"elsewhere.example/x?ssl_verify_cert=false&ssl_ca=" + other, true},
		{"db.example/x?ssl_verify_cert=true&ssl_verify_identity=true&ssl_ca=" + good, true},
		{"db.example/x?ssl_verify_cert=true", false}, // the system does not trust it
	} {
		config, err := parseMySQL("n:p@" + c.options)
		if err != nil {
			t.Fatal(err)
		}
		if err := handshake(t, config.TLS, served); (err == nil) != c.works {
			t.Errorf("%s: %v", c.options, err)
		}
	}
	if config, err := parseMySQL("n:p@h/x?ssl_disabled=true&ssl_ca=" + good); err != nil || config.TLS != nil {
		t.Errorf("ssl_disabled: %v, %v", config.TLS, err)
	}
}

func handshake(t *testing.T, client *tls.Config, served tls.Certificate) error {
	t.Helper()
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()
	go tls.Server(far, &tls.Config{Certificates: []tls.Certificate{served}}).Handshake() // fails where the client ends it
	return tls.Client(near, client).Handshake()
}
