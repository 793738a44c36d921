package store

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"github.com/go-sql-driver/mysql"

	"midonet.org/midonet/errs"
)

// sqlalchemyURL is what follows the scheme in an SQLAlchemy URL (_parse_url in sqlalchemy/engine/url.py). It is not a URL of RFC
// 3986: the password may hold any character but @ as it is. Unlike there a second @ is refused, lest a part of the password is taken for
// the host and told to people. User and password are %-escaped where need be.
var sqlalchemyURL = regexp.MustCompile(`^(?:([^:/]*)(?::([^@]*))?@)?(?:(?:\[([^/?]+)\]|([^/:?@]+))?(?::([^/?@]*))?)?` +
	`(?:/([^?]*))?(?:\?(.*))?$`)

// Defaults of a connection. The reply to a statement may take as long as its wait for a lock.
const (
	mysqlPort      = "3306"
	dialTimeout    = 10 * time.Second
	networkTimeout = 60 * time.Second
)

// parseMySQL reads what follows the scheme, with the options of pymysql and mysqlclient. No error repeats what may be the password.
func parseMySQL(rest string) (*mysql.Config, error) {
	m := sqlalchemyURL.FindStringSubmatch(rest)
	if m == nil {
		return nil, badConnection("it is not of the form mysql+pymysql://USER:PASSWORD@HOST/DATABASE; escape an @ in the password as %%40")
	}
	user, password, ipv6, host, port, database := m[1], m[2], m[3], m[4], m[5], m[6]
	c := mysql.NewConfig()
	var err error
	if c.User, err = url.PathUnescape(user); err != nil {
		return nil, badConnection("the user name has a %% that does not begin an escape; write %%25")
	}
	if c.Passwd, err = url.PathUnescape(password); err != nil {
		return nil, badConnection("the password has a %% that does not begin an escape; write %%25")
	}
	if c.DBName = database; database == "" {
		return nil, badConnection("it names no database")
	}
	c.Net, c.Addr = "tcp", net.JoinHostPort(orElse(host+ipv6, "localhost"), orElse(port, mysqlPort))
	c.Timeout, c.ReadTimeout, c.WriteTimeout = dialTimeout, networkTimeout, networkTimeout
	// An UPDATE that matches a row and leaves it as it was has found it; SQLite counts it, too.
	c.ClientFoundRows = true
	// The driver puts the values into a statement that is run for the first time, properly quoted, which saves a round trip to prepare it
	// (see remembering). The character set is utf8mb4 whatever the URL's charset says: the tables are, and MySQL's "utf8" loses what lies beyond
	// the basic plane.
	c.InterpolateParams = true
	c.Logger = &mysql.NopLogger{} // errors come back to the caller, and are logged there
	return c, readMySQLOptions(c, m[7])
}

func badConnection(format string, args ...any) error {
	return errs.New(errs.Invalid, "", "[database] connection: "+format, args...)
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// tlsOptions are pymysql's ssl_*, by their names there.
type tlsOptions struct {
	ca, capath, cert, key  string
	disabled               bool
	verifyCert, verifyHost *bool
}

// readMySQLOptions takes the options behind the question mark. One that is not known is refused: it may have been meant to protect
// the connection.
func readMySQLOptions(c *mysql.Config, text string) error {
	options, err := url.ParseQuery(text)
	if err != nil {
		return badConnection("the options behind ? cannot be read")
	}
	var t tlsOptions
	for name, values := range options {
		value := values[len(values)-1]
		switch name {
		case "charset", "use_unicode", "autocommit", "plugin", "sql_mode", "local_infile", "binary_prefix":
			// What they ask for is so already, or would break what this program relies on.
		case "unix_socket":
			c.Net, c.Addr = "unix", value
		case "connect_timeout":
			err = seconds(&c.Timeout, value)
		case "read_timeout":
			err = seconds(&c.ReadTimeout, value)
		case "write_timeout":
			err = seconds(&c.WriteTimeout, value)
		default:
			err = t.set(name, value)
		}
		if err != nil {
			return badConnection("option %s: %v", name, err)
		}
	}
	c.TLS, err = t.config(c.Addr)
	return err
}

func seconds(to *time.Duration, value string) error {
	n, err := strconv.ParseUint(value, 10, 31)
	if err != nil {
		return errs.New(errs.Invalid, "", "%q is not a number of seconds", value)
	}
	*to = time.Duration(n) * time.Second
	return nil
}

func (t *tlsOptions) set(name, value string) error {
	switch name {
	case "ssl_ca":
		t.ca = value
	case "ssl_capath":
		t.capath = value
	case "ssl_cert":
		t.cert = value
	case "ssl_key":
		t.key = value
	case "ssl_disabled":
		b, err := truth(value)
		t.disabled = b != nil && *b
		return err
	case "ssl_verify_cert":
		b, err := truth(value)
		t.verifyCert = b
		return err
	case "ssl_verify_identity", "ssl_check_hostname":
		b, err := truth(value)
		t.verifyHost = b
		return err
	default:
		return errs.New(errs.Invalid, "", "this version does not know it; known are charset, unix_socket, the three "+
			"timeouts, ssl_ca, ssl_capath, ssl_cert, ssl_key, ssl_disabled, ssl_verify_cert and ssl_verify_identity")
	}
	return nil
}

// truth reads what pymysql takes for verify_mode, and Python's own words.
func truth(value string) (*bool, error) {
	yes := false
	switch value {
	case "1", "true", "True", "yes", "required":
		yes = true
	case "0", "false", "False", "no", "none":
	default:
		return nil, errs.New(errs.Invalid, "", "%q is neither true nor false", value)
	}
	return &yes, nil
}

// config returns nil for a connection without TLS. Where an authority is named, the server must have a certificate of it, made out to
// the name in the URL (_create_ssl_ctx in pymysql/connections.py); both can be given up. Where none is, the connection is encrypted
// and the server may be anyone, unless ssl_verify_cert asks for one that the system trusts.
func (t *tlsOptions) config(address string) (*tls.Config, error) {
	named := t.ca != "" || t.capath != ""
	if t.disabled || !named && t.cert == "" && t.key == "" && t.verifyCert == nil && t.verifyHost == nil {
		return nil, nil
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = "localhost" // a Unix socket
	}
	c := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if c.RootCAs, err = t.authorities(); err != nil {
		return nil, err
	}
	if t.cert != "" || t.key != "" {
		pair, err := tls.LoadX509KeyPair(t.cert, orElse(t.key, t.cert))
		if err != nil {
			return nil, badConnection("ssl_cert and ssl_key cannot be used: %v", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	verify := orDefault(t.verifyCert, named)
	if !verify || !orDefault(t.verifyHost, named) {
		c.InsecureSkipVerify = true // in favour of what follows
		if verify {
			c.VerifyConnection = func(s tls.ConnectionState) error { return verifyChain(c.RootCAs, s.PeerCertificates) }
		}
	}
	return c, nil
}

func orDefault(b *bool, otherwise bool) bool {
	if b == nil {
		return otherwise
	}
	return *b
}

// authorities are those of ssl_ca and ssl_capath; nil, where neither is given, stands for the system's.
func (t *tlsOptions) authorities() (*x509.CertPool, error) {
	files := []string{}
	if t.ca != "" {
		files = append(files, t.ca)
	}
	if t.capath != "" {
		more, err := filepath.Glob(filepath.Join(t.capath, "*"))
		if err != nil {
			return nil, badConnection("ssl_capath: %v", err)
		}
		files = append(files, more...)
	}
	if len(files) == 0 {
		return nil, nil
	}
	pool, found := x509.NewCertPool(), false
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, badConnection("the authorities cannot be read: %v", err)
		}
		found = pool.AppendCertsFromPEM(text) || found
	}
	if !found {
		return nil, badConnection("ssl_ca or ssl_capath: there is no certificate in %v", files)
	}
	return pool, nil
}

// verifyChain is the check of a certificate without that of its name.
func verifyChain(roots *x509.CertPool, chain []*x509.Certificate) error {
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between})
	return err
}
