package config

import (
	"errors"
	"strings"
	"testing"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/oslo"
)

// FuzzOptions asks that no configuration file makes the server panic: it is read and checked, or refused by an error that is a person's
// to mend, and that does not tell a secret.
func FuzzOptions(f *testing.F) {
	const secret = "open-sesame"
	f.Add("[DEFAULT]\ncore_plugin = ml2\nbind_port = 9696\nservice_plugins = midonet_l3,qos\n")
	f.Add("[DEFAULT]\nauth_strategy = keystone\nbase_mac = fa:16:3e:00:00\n[ml2]\ntype_drivers = midonet,uplink\n")
	f.Add("[database]\nconnection = mysql+pymysql://u:$p@h/d\nmax_retries = x\n[keystone_authtoken]\ntoken_cache_time = -1\n")
	f.Add("[nsdb]\nengine = zookeeper\n[quotas]\nquota_port = -1\nquota_network = 1e3\n[oslo_policy]\nenforce_scope = perhaps\n")
	f.Fuzz(func(t *testing.T, text string) {
		entries, err := oslo.Parse(strings.NewReader(text+"\n[keystone_authtoken]\npassword = "+secret+" $nothing\n"), "f")
		if err != nil {
			return
		}
		o := &Options{}
		if _, err = oslo.Fill(o, known(), entries); err == nil {
			err = o.Check()
		}
		var value *oslo.ValueError
		switch {
		case err == nil:
			t.Errorf("%q: $nothing is taken for an option", text)
		case !errors.As(err, &value) && !errs.Is(err, errs.Invalid) && !errs.Is(err, errs.Unsupported):
			t.Errorf("%q: %v", text, err)
		case strings.Contains(err.Error(), secret):
			t.Errorf("%q: the error tells the password: %v", text, err)
		}
	})
}
