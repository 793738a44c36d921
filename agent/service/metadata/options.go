package metadata

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/oslo"
)

// Options are those of Neutron's metadata agent that say where Nova is: an operator's metadata_agent.ini is read as it is
// (neutron/conf/agent/metadata/config.py).
type Options struct {
	Host       string `oslo:"DEFAULT/nova_metadata_host" default:"127.0.0.1" help:"Address or name of Nova's metadata service."`
	Port       int    `oslo:"DEFAULT/nova_metadata_port" default:"8775" help:"Its TCP port."`
	Protocol   string `oslo:"DEFAULT/nova_metadata_protocol" default:"http" help:"http or https."`
	Insecure   bool   `oslo:"DEFAULT/nova_metadata_insecure" default:"false" help:"Whether any certificate of Nova's is taken."`
	CACert     string `oslo:"DEFAULT/auth_ca_cert" help:"File with the authorities that Nova's certificate may be of; empty: the system's."`
	ClientCert string `oslo:"DEFAULT/nova_client_cert" help:"File with the certificate that Nova is shown."`
	ClientKey  string `oslo:"DEFAULT/nova_client_priv_key" help:"File with its key."`
	Secret     string `oslo:"DEFAULT/metadata_proxy_shared_secret" secret:"true" help:"What Nova knows the agent's signature by: its own [neutron] metadata_proxy_shared_secret."`
	// OldHost is what the host was called until Neutron 13.
	OldHost string `oslo:"DEFAULT/nova_metadata_ip" help:"nova_metadata_host by its old name."`
}

// others are options of that file which mean nothing here: who may write to the Unix socket between Neutron's proxies and its agent, the
// agent's reports, and its log.
var others = []string{
	"DEFAULT/metadata_proxy_socket", "DEFAULT/metadata_proxy_socket_mode", "DEFAULT/metadata_proxy_user", "DEFAULT/metadata_proxy_group",
	"DEFAULT/metadata_workers", "DEFAULT/metadata_backlog", "DEFAULT/state_path", "DEFAULT/cache_url", "DEFAULT/endpoint_type",
	"DEFAULT/auth_url", "DEFAULT/auth_region", "DEFAULT/auth_insecure", "DEFAULT/auth_strategy", "DEFAULT/admin_user",
	"DEFAULT/admin_tenant_name", "DEFAULT/admin_password", "DEFAULT/transport_url", "DEFAULT/rpc_response_timeout",
	"DEFAULT/debug", "DEFAULT/verbose", "DEFAULT/log_file", "DEFAULT/log_dir", "DEFAULT/log_config_append", "DEFAULT/log_date_format",
	"DEFAULT/logging_context_format_string", "DEFAULT/logging_default_format_string", "DEFAULT/logging_debug_format_suffix",
	"DEFAULT/logging_exception_prefix", "DEFAULT/logging_user_identity_format", "DEFAULT/default_log_levels", "DEFAULT/publish_errors",
	"DEFAULT/use_syslog", "DEFAULT/syslog_log_facility", "DEFAULT/use_journal", "DEFAULT/use_json", "DEFAULT/use_stderr",
	"DEFAULT/use_eventlog", "DEFAULT/use_stdlog", "DEFAULT/watch_log_file", "DEFAULT/rate_limit_interval", "DEFAULT/rate_limit_burst",
	"DEFAULT/rate_limit_except_level", "DEFAULT/fatal_deprecations", "DEFAULT/instance_format", "DEFAULT/instance_uuid_format",
	"agent/*", "cache/*", "oslo_messaging_rabbit/*", "oslo_messaging_notifications/*", "oslo_concurrency/*",
}

// Load reads the files in order, later ones winning, and checks what was read. The warnings are about options that neither we nor
// Neutron know.
func Load(files ...string) (*Options, []oslo.Warning, error) {
	o := &Options{}
	warnings, err := oslo.Load(o, others, files...)
	if err != nil {
		return nil, nil, err
	}
	if o.OldHost != "" && o.Host == "127.0.0.1" {
		o.Host = o.OldHost
	}
	return o, warnings, o.check()
}

func (o *Options) check() error {
	switch {
	case o.Protocol != "http" && o.Protocol != "https":
		return invalid("nova_metadata_protocol = %q is neither http nor https", o.Protocol)
	case o.Port < 1 || o.Port > 65535:
		return invalid("nova_metadata_port = %d is no port", o.Port)
	case o.Host == "":
		return invalid("nova_metadata_host is empty")
	}
	return nil
}

func invalid(format string, args ...any) error {
	return errs.New(errs.Invalid, "BadConfiguration", format, args...)
}

// base is where Nova is.
func (o *Options) base() url.URL {
	return url.URL{Scheme: o.Protocol, Host: net.JoinHostPort(o.Host, strconv.Itoa(o.Port))}
}

// tls reads the certificates. As in Neutron's agent, one of the client's files without the other is none.
func (o *Options) tls() (*tls.Config, error) {
	c := &tls.Config{InsecureSkipVerify: o.Insecure, MinVersion: tls.VersionTLS12}
	if o.CACert != "" && !o.Insecure {
		text, err := os.ReadFile(o.CACert)
		if err != nil {
			return nil, fmt.Errorf("auth_ca_cert: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(text) {
			return nil, invalid("auth_ca_cert: %s has no certificate", o.CACert)
		}
	}
	if o.ClientCert != "" && o.ClientKey != "" {
		pair, err := tls.LoadX509KeyPair(o.ClientCert, o.ClientKey)
		if err != nil {
			return nil, fmt.Errorf("nova_client_cert and nova_client_priv_key: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}
