package run

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/errgroup"

	"midonet.org/midonet/backend"
	"midonet.org/midonet/backend/cluster"
	"midonet.org/midonet/backend/rest"
	midonetapi "midonet.org/midonet/cluster/api"
	"midonet.org/midonet/cluster/importer"
	"midonet.org/midonet/cluster/job/hosts"
	"midonet.org/midonet/cluster/job/portstatus"
	"midonet.org/midonet/cluster/job/uplink"
	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/cluster/nsdb/mirror"
	"midonet.org/midonet/cluster/operator"
	"midonet.org/midonet/cluster/stream"
	"midonet.org/midonet/cluster/stream/pki"
	"midonet.org/midonet/neutron/api"
	"midonet.org/midonet/neutron/apidef"
	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/config"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/neutron/ml2"
	"midonet.org/midonet/neutron/policy"
	"midonet.org/midonet/neutron/service/l3"
	"midonet.org/midonet/neutron/store"
)

// ServerConfig is what `midonet server` or `midonet cluster` was told on the command line. The rest is in the configuration files.
type ServerConfig struct {
	ConfigFiles []string // oslo.config files, later ones win
	StateDir    string
	API         string   // host:port; empty: bind_host and bind_port of the configuration
	Stream      []string // host:port or unix:/path; the state directory's stream.sock is always added
	MidoNetAPI  string   // host:port or unix:/path of the MidoNet REST API; empty: none
	Metrics     string   // host:port; empty: none
	ClusterOnly bool     // no Networking API: the topology is what the MidoNet REST API is told
	APIOnly     bool     // the Networking API alone: a server on the same database applies its changes to the topology
	Log         *slog.Logger
	Level       *slog.LevelVar // of Log, for the configuration to choose; nil: it is chosen
}

// Server serves the Networking API, unless ClusterOnly, and the cluster, unless APIOnly, until ctx ends.
//
// Everything that can be refused is tried before anything answers: the configuration, the state directory, the addresses, then
// the database and the store.
func Server(ctx context.Context, c ServerConfig) error {
	options, err := readConfig(c)
	if err != nil {
		return err
	}
	if c.Level != nil && options.Debug {
		c.Level.Set(slog.LevelDebug)
	}
	if len(options.Unread) > 0 {
		c.Log.Info("configuration: options for parts of Neutron that do not exist here have no effect", "options", strings.Join(options.Unread, " "))
	}
	if err := checkRole(c, options); err != nil {
		return err
	}
	dir, err := openStateDir(c.StateDir)
	if err != nil {
		return err
	}
	defer dir.Close()
	l, err := listenAll(c, options)
	if err != nil {
		return err
	}
	defer l.close()
	s := &server{ServerConfig: c, options: options, listeners: l, started: time.Now(), requests: newRequests()}
	defer s.close()
	if err := s.open(ctx); err != nil {
		return err
	}
	return s.run(ctx)
}

// server is the parts of a running server.
type server struct {
	ServerConfig
	options   *config.Options
	listeners *listeners
	started   time.Time

	db        *store.DB
	journal   *journal.Journal
	plugin    *ml2.Plugin
	l3        *l3.Plugin
	nsdb      nsdb.Large
	mirror    *mirror.Mirror
	editor    *operator.Editor
	importer  *importer.Importer
	backend   backend.Backend
	elsewhere *rest.Backend // nil: no MidoNet elsewhere is driven
	authority *pki.Authority
	requests  *prometheus.HistogramVec // of the Networking API
	agents    *stream.Server
	client    *store.Agreement // which one the servers of the database have; nil: there is no database
	draining  atomic.Bool      // this server applies the journal; another may, where several share the database
	auth      auth.Authenticator
	policy    *policy.Enforcer
}

// open opens the engines and makes the parts; nothing runs yet.
func (s *server) open(ctx context.Context) (err error) {
	if s.auth, err = s.options.Authenticator(s.Log); err != nil {
		return err
	}
	if !s.ClusterOnly {
		if err := s.openNeutron(ctx); err != nil {
			return err
		}
	}
	if s.APIOnly {
		return nil
	}
	if s.nsdb, err = openNSDB(ctx, &s.options.NSDB, s.StateDir, s.Log); err != nil {
		return err
	}
	s.mirror = mirror.New(s.nsdb, s.Log)
	s.editor = operator.NewEditor(s.nsdb, s.mirror)
	s.importer = s.newImporter()
	s.backend = cluster.New(s.importer)
	s.authority, err = pki.Open(filepath.Join(s.StateDir, "pki"), s.listeners.names()...)
	return err
}

// openNeutron opens the north: the database and what stands before it.
func (s *server) openNeutron(ctx context.Context) (err error) {
	if s.policy, err = policy.New(s.options.PolicyOptions(), s.options.PolicyFiles(s.ConfigFiles), definitions(), s.Log); err != nil {
		return err
	}
	if s.db, err = store.Open(ctx, databaseURL(s.options, s.StateDir), store.Options{Log: s.Log}); err != nil {
		return err
	}
	if s.client, err = agreeOnClient(ctx, s.db, &s.options.MidoNet); err != nil {
		return err
	}
	s.journal = journal.New(s.db)
	s.plugin = ml2.New(s.db, s.journal, s.options.ML2(), s.Log)
	s.l3 = l3.New(s.plugin, s.db, s.options.L3())
	if s.options.MidoNet.Elsewhere() {
		s.openElsewhere()
	}
	return nil
}

// newImporter returns the importer of the journal, or the one that requests feed.
func (s *server) newImporter() *importer.Importer {
	if s.ClusterOnly {
		i := importer.New(s.nsdb, nil, rendering(s.options), s.Log)
		i.Follow(s.mirror)
		return i
	}
	i := importer.New(s.nsdb, s.journal, rendering(s.options), s.Log)
	i.Follow(s.mirror)
	i.CompareWith(s.plugin)
	i.ObeyVersions(s.journal)
	return i
}

// close releases what open got, in any state.
func (s *server) close() {
	if s.nsdb != nil {
		if err := s.nsdb.Close(); err != nil {
			s.Log.Error("closing the network state database", "error", err)
		}
	}
	if s.client != nil {
		s.client.Release()
	}
	if s.db != nil {
		if err := s.db.Close(); err != nil {
			s.Log.Error("closing the database", "error", err)
		}
	}
}

// parts are everything that runs.
func (s *server) parts() []part {
	if s.APIOnly {
		parts := []part{
			{"administration", s.serve(s.listeners.admin, s.adminOps().handler(s.Log))},
			{"metrics", s.serve(s.listeners.metrics, s.monitor())},
		}
		parts = append(parts, part{"[midonet] client", s.keepClient})
		if s.elsewhere != nil {
			return append(parts, part{"Nova's news", s.tellNova}, part{"Networking API", s.serveElsewhere})
		}
		return append(parts, part{"Networking API", s.serve(s.listeners.api, promhttp.InstrumentHandlerDuration(s.requests, s.apiHandler()))})
	}
	s.agents = stream.New(stream.Config{Store: s.nsdb, Mirror: s.mirror, Authority: s.authority, Behind: s.behind, Log: s.Log})
	parts := []part{
		{"mirror", s.mirror.Run},
		{"agent stream", func(ctx context.Context) error { return s.agents.Run(ctx, s.listeners.stream...) }},
		{"MidoNet API", s.serve(s.listeners.midonet, s.midonetHandler(s.agents))},
		{"administration", s.serve(s.listeners.admin, s.adminOps().handler(s.Log))},
		{"metrics", s.serve(s.listeners.metrics, s.monitor())},
	}
	if s.ClusterOnly {
		return append(parts, part{"importer", s.backend.Run}, part{"uplinks", s.plugUplinks}, part{"operators' objects", s.sweep})
	}
	return append(parts,
		part{"[midonet] client", s.keepClient},
		part{"journal", s.drain},
		part{"Nova's news", s.tellNova},
		part{"Networking API", s.serve(s.listeners.api, promhttp.InstrumentHandlerDuration(s.requests, s.apiHandler()))},
	)
}

// run runs every part until ctx ends or one of them fails; then all of them end.
func (s *server) run(ctx context.Context) error {
	parts := s.parts()
	s.Log.Info("ready", "version", Version, "api", webAddress(s.listeners.api, ""), "midonet_api", webAddress(s.listeners.midonet, midonetapi.Root),
		"agents", s.listeners.streamAddresses(), "state", s.StateDir)
	if err := runAll(ctx, parts); err != nil {
		return err
	}
	s.Log.Info("stopped")
	return nil
}

// holder names this server among those that share the database.
func (s *server) holder() (string, error) {
	dir, err := filepath.Abs(s.StateDir)
	if err != nil {
		return "", err
	}
	machine, err := os.Hostname()
	return machine + ":" + dir, err
}

// drain applies the journal, and tells Neutron of the hosts and which ports work, while no other server on this database does. A server that waits
// answers its clients, and follows what the other stores; what its own store lacks in the end, it learns from Neutron's tables when its turn
// comes.
func (s *server) drain(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.importer.StandBy(ctx) })
	group.Go(func() error { return s.drainAlone(ctx, s.haveTurn) })
	return group.Wait()
}

// haveTurn is what one server of a database does.
func (s *server) haveTurn(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.backend.Run(ctx) })
	group.Go(func() error { return s.tellPortStatus(ctx) })
	group.Go(func() error { return s.tellHosts(ctx) })
	group.Go(func() error { return s.plugUplinks(ctx) })
	group.Go(func() error { return s.sweep(ctx) })
	return group.Wait()
}

// drainAlone runs what applies the journal while no other server on this database does.
func (s *server) drainAlone(ctx context.Context, drain func(context.Context) error) error {
	holder, err := s.holder()
	if err != nil {
		return err
	}
	return s.db.Alone(ctx, "journal", holder, func(ctx context.Context) error {
		s.draining.Store(true)
		defer s.draining.Store(false)
		return drain(ctx)
	})
}

// tellPortStatus tells Neutron which ports work. It begins when the store has every port: at first the job states each once, and a
// port that a new store had still to learn would keep the status of the store before.
func (s *server) tellPortStatus(ctx context.Context) error {
	if err := s.complete(ctx); err != nil {
		return err
	}
	status := portstatus.Job{Mirror: s.mirror, Sink: s.plugin, Log: s.Log}
	status.Run(ctx)
	return ctx.Err()
}

// forgetter is what takes hosts out of the topology.
type forgetter struct {
	*stream.Server
	*operator.Editor
}

// tellHosts tells Neutron of the hosts.
func (s *server) tellHosts(ctx context.Context) error {
	job := hosts.Job{Mirror: s.mirror, Sink: s.hostAgents(), Hosts: forgetter{s.agents, s.editor}, Log: s.Log}
	job.Run(ctx)
	return ctx.Err()
}

// complete waits until the store has everything that Neutron has, and the mirror sees it.
func (s *server) complete(ctx context.Context) error {
	revision, err := s.importer.Loaded(ctx)
	if err == nil {
		_, err = s.mirror.WaitFor(ctx, revision)
	}
	return err
}

// plugUplinks binds the ports of uplinks as Neutron says.
func (s *server) plugUplinks(ctx context.Context) error {
	job := uplink.Job{Mirror: s.mirror, Binder: s.agents, Log: s.Log}
	job.Run(ctx)
	return ctx.Err()
}

// serve returns a function that answers HTTP on the listener until its context ends.
func (s *server) serve(l net.Listener, h http.Handler) func(context.Context) error {
	return func(ctx context.Context) error { return serveHTTP(ctx, l, h, s.Log) }
}

// definitions are the resources that the API serves, for rules that speak of them.
func definitions() []*apidef.Resource {
	return []*apidef.Resource{
		apidef.Networks(), apidef.Subnets(), apidef.Ports(), apidef.SubnetPools(), apidef.AddressScopes(), apidef.RBACPolicies(),
		apidef.Routers(), apidef.FloatingIPs(), apidef.SecurityGroups(), apidef.SecurityGroupRules(), apidef.AddressGroups(),
	}
}

func (s *server) apiHandler() *api.Server {
	h := api.New(api.Config{
		Auth: s.auth, Policy: s.policy, Log: s.Log, Extensions: s.extensions(),
		MaxBody: s.options.MaxRequestBodySize, MaxPage: s.options.MaxPage(), NoBulk: !s.options.AllowBulk,
		LinkPrefix: s.options.NetworkLinkPrefix,
	})
	s.register(h)
	return h
}

// registerPools adds what hands out address ranges.
func (s *server) registerPools(h *api.Server) {
	pools := apidef.SubnetPools()
	api.Register(h, pools, s.plugin.SubnetPools())
	if s.options.Core() != config.CoreML2 {
		return
	}
	api.RegisterAction(h, pools, http.MethodPut, "add_prefixes", s.plugin.AddPrefixes)
	api.RegisterAction(h, pools, http.MethodPut, "remove_prefixes", s.plugin.RemovePrefixes)
	api.RegisterAction(h, pools, http.MethodPut, "onboard_network_subnets", s.plugin.OnboardNetworkSubnets)
	api.Register(h, apidef.AddressScopes(), s.plugin.AddressScopes())
}

// registerL3 adds what joins networks.
func (s *server) registerL3(h *api.Server) {
	routers, floatingIPs := s.defined(apidef.Routers()), s.defined(apidef.FloatingIPs())
	api.Register(h, routers, s.l3.Routers())
	api.RegisterAction(h, routers, http.MethodPut, "add_router_interface", s.l3.AddInterface)
	api.RegisterAction(h, routers, http.MethodPut, "remove_router_interface", s.l3.RemoveInterface)
	if offers(s.options, "extraroute-atomic") {
		api.RegisterAction(h, routers, http.MethodPut, "add_extraroutes", s.l3.AddExtraRoutes)
		api.RegisterAction(h, routers, http.MethodPut, "remove_extraroutes", s.l3.RemoveExtraRoutes)
	}
	api.Register(h, floatingIPs, s.l3.FloatingIPs())
	if s.options.Serves(config.Forwarding) {
		api.RegisterChild(h, floatingIPs, apidef.PortForwardings(), s.l3.PortForwardings)
	}
}

// registerSecurity adds what says which packets pass.
func (s *server) registerSecurity(h *api.Server) {
	api.Register(h, apidef.SecurityGroups(), s.plugin.SecurityGroups())
	api.Register(h, apidef.SecurityGroupRules(), s.plugin.SecurityGroupRules())
	if s.options.Core() != config.CoreML2 || s.options.MidoNet.Elsewhere() { // the older ones know no address groups
		return
	}
	groups := apidef.AddressGroups()
	api.Register(h, groups, s.plugin.AddressGroups())
	api.RegisterAction(h, groups, http.MethodPut, "add_addresses", s.plugin.AddAddresses)
	api.RegisterAction(h, groups, http.MethodPut, "remove_addresses", s.plugin.RemoveAddresses)
}

// listeners are the server's open addresses.
type listeners struct {
	api, midonet, admin, metrics net.Listener // nil: not wanted
	stream                       []net.Listener
}

// listenAll opens every address or none.
func listenAll(c ServerConfig, options *config.Options) (_ *listeners, err error) {
	l := &listeners{}
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	if !c.ClusterOnly {
		if l.api, err = listenAPI(c, options); err != nil {
			return nil, err
		}
	}
	if c.MidoNetAPI != "" {
		if l.midonet, err = listenMidoNetAPI(c.MidoNetAPI, options); err != nil {
			return nil, err
		}
	}
	for _, address := range c.streams() {
		one, err := listen("the agent stream", address)
		if err != nil {
			return nil, err
		}
		l.stream = append(l.stream, one)
	}
	if c.Metrics != "" {
		if l.metrics, err = listen("metrics", c.Metrics); err != nil {
			return nil, err
		}
	}
	l.admin, err = listenAdmin(c.StateDir)
	return l, err
}

// streams are the addresses for agents.
func (c ServerConfig) streams() []string {
	if c.APIOnly {
		return nil
	}
	return append([]string{"unix:" + filepath.Join(c.StateDir, "stream.sock")}, c.Stream...)
}

func listenAPI(c ServerConfig, options *config.Options) (net.Listener, error) {
	address := c.API
	if address == "" {
		address = options.BindAddress()
	}
	if err := refuseOpenNoauth(options.AuthStrategy, address); err != nil {
		return nil, err
	}
	return listen("the Networking API", address)
}

func (l *listeners) close() {
	for _, one := range append([]net.Listener{l.api, l.midonet, l.admin, l.metrics}, l.stream...) {
		if one != nil {
			one.Close() // again, where its server has closed it
		}
	}
}

// names are the host parts of the addresses that agents use, for the server's certificate.
func (l *listeners) names() []string {
	var names []string
	for _, one := range l.stream {
		if host, _, err := net.SplitHostPort(one.Addr().String()); err == nil && host != "" {
			names = append(names, host)
		}
	}
	return names
}

// streamAddresses are the addresses that agents connect to, in the form that join tokens carry.
func (l *listeners) streamAddresses() []string {
	var addresses []string
	for _, one := range l.stream {
		scheme := "tcp://"
		if one.Addr().Network() == "unix" {
			scheme = "unix:"
		}
		addresses = append(addresses, scheme+one.Addr().String())
	}
	return addresses
}

// listen opens "host:port" or "unix:/path".
func listen(what, address string) (net.Listener, error) {
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		return listenUnix(what, path)
	}
	l, err := net.Listen("tcp", strings.TrimPrefix(address, "tcp://"))
	if err != nil {
		return nil, explainListen(what, address, err)
	}
	return l, nil
}
