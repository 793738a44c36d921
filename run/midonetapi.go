package run

import (
	"net"
	"net/http"

	midonetapi "midonet.org/midonet/cluster/api"
	"midonet.org/midonet/neutron/config"
)

// midonetHandler is the MidoNet REST API.
func (s *server) midonetHandler(bindings midonetapi.Binder) http.Handler {
	account := midonetapi.Account{Username: s.options.MidoNet.Username, Password: s.options.MidoNet.Password}
	return midonetapi.New(midonetapi.Config{
		Account: account, Mirror: s.mirror, Importer: s.importer, Bindings: bindings, Log: s.Log,
	})
}

func listenMidoNetAPI(address string, options *config.Options) (net.Listener, error) {
	if err := refuseKnownPassword(options, address); err != nil {
		return nil, err
	}
	return listen("the MidoNet API", address)
}

// webAddress is where a listener's path is found, "" where there is no listener.
func webAddress(l net.Listener, path string) string {
	switch {
	case l == nil:
		return ""
	case l.Addr().Network() == "unix":
		return "unix:" + l.Addr().String()
	}
	return "http://" + l.Addr().String() + path
}
