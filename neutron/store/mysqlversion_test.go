package store

import (
	"strings"
	"testing"
)

func TestOldServersAreRefused(t *testing.T) {
	for version, refused := range map[string]string{
		"10.11.14-MariaDB-0+deb12u2":       "",
		"10.2.3-MariaDB":                   "",
		"10.2.2-MariaDB":                   "MariaDB 10.2.2",
		"10.1.48-MariaDB-0ubuntu0.18.04.1": "MariaDB 10.1.48",
		"5.5.5-10.4.13-MariaDB-log":        "",
		"5.5.5-10.1.13-MariaDB":            "MariaDB 10.1.13",
		"5.5.68-MariaDB":                   "MariaDB 5.5.68",
		"11.4.2-MariaDB":                   "",
		"8.0.36-0ubuntu0.22.04.1":          "",
		"8.4.0":                            "",
		"5.7.8-rc":                         "",
		"5.7.7-rc-log":                     "MySQL 5.7.7",
		"5.6.51":                           "MySQL 5.6.51",
	} {
		err := tooOld("db/neutron", version)
		switch {
		case refused == "" && err != nil:
			t.Errorf("%s: %v", version, err)
		case refused != "" && (err == nil || !strings.Contains(err.Error(), refused+", which is too old: MariaDB 10.2.3 or MySQL 5.7.8 at least")):
			t.Errorf("%s: %v", version, err)
		}
	}
}
