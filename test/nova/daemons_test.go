package nova

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"midonet.org/midonet/neutron/store/storetest"
	"midonet.org/midonet/sandbox"
	"midonet.org/midonet/test/freeport"
)

// python is the interpreter that Debian's packages are installed for.
const python = "/usr/bin/python3"

// rabbitmq is the program itself: the one on PATH is for the user rabbitmq and the directories of the machine's own.
const rabbitmq = "/usr/lib/rabbitmq/bin/rabbitmq-server"

// daemons starts what is there once.
func (o *openstack) daemons(t *testing.T) {
	t.Helper()
	addresses := map[string]string{}
	for _, name := range []string{"nova", "metadata", "placement", "glance", "rabbitmq"} {
		addresses[name] = freeport.Address(t)
		o.values[name] = addresses[name]
		_, o.values[name+" port"], _ = net.SplitHostPort(addresses[name])
	}
	o.values["rabbitmq"] = "rabbit://guest:guest@" + addresses["rabbitmq"] + "/"
	db := storetest.StartMariaDB(t)
	for _, name := range []string{"nova", "nova_api", "nova_cell0", "placement"} {
		o.values[name+" database"] = db.New(t)
	}
	o.rabbitmq(t)

	o.cloud.Enter(t, "placement", "placement", "http://"+addresses["placement"])
	o.write(t, "placement.conf", placementConf)
	placement := program("serve", "placement.wsgi", addresses["placement"])
	placement.Env = append(os.Environ(), "OS_PLACEMENT_CONFIG_DIR="+o.dir)
	o.daemon(t, "placement", placement)

	o.cloud.Enter(t, "glance", "image", "http://"+addresses["glance"])
	glance := []string{"--config-file", o.write(t, "glance.conf", glanceConf)}
	manage(t, "glance.cmd.manage", glance, []string{"db_sync"})
	o.daemon(t, "glance-api", program(slices.Concat([]string{"main", "glance.cmd.api"}, glance)...))

	o.cloud.Enter(t, "nova", "compute", "http://"+addresses["nova"]+"/v2.1")
	o.write(t, "nova.conf", novaConf+documented(t, "nova.conf"))
	o.write(t, "database.conf", databaseConf)
	manage(t, "nova.cmd.manage", o.files("database"), []string{"api_db", "sync"},
		[]string{"cell_v2", "map_cell0", "--database_connection", o.values["nova_cell0 database"]},
		[]string{"db", "sync"}, []string{"cell_v2", "create_cell", "--name", "cell1"})
	o.daemon(t, "nova-conductor", exec.Command("nova-conductor", o.files("database")...))
	o.daemon(t, "nova-scheduler", exec.Command("nova-scheduler", o.files("database")...))
	o.startAPI(t)
}

// files are the options that have one of Nova's daemons read nova.conf, and what it knows besides.
func (o *openstack) files(more string) []string {
	return []string{"--config-file", o.path("nova.conf"), "--config-file", o.path(more + ".conf")}
}

// startAPI starts nova-api, with Nova's metadata service, and waits for its first answer.
func (o *openstack) startAPI(t *testing.T) {
	t.Helper()
	o.api = o.daemon(t, "nova-api", program(slices.Concat([]string{"main", "nova.cmd.api"}, o.files("database"))...))
	for _, name := range []string{"nova", "metadata", "placement", "glance"} {
		eventually(t, name+" answers", func() error {
			answer, err := http.Get("http://" + o.values[name] + "/")
			if err == nil {
				answer.Body.Close()
			}
			return err
		})
	}
}

// rabbitmq starts the message queue, alone in directories of its own, with the daemon in the foreground that tells Erlang's nodes of each other.
func (o *openstack) rabbitmq(t *testing.T) {
	t.Helper()
	port := func() string {
		_, port, _ := net.SplitHostPort(freeport.Address(t))
		return port
	}
	names := port()
	o.daemon(t, "epmd", exec.Command("epmd", "-port", names, "-address", "127.0.0.1"))
	queue := exec.Command(rabbitmq, "-noinput")
	queue.Env = append(os.Environ(), "HOME="+o.dir, "ERL_EPMD_PORT="+names, "ERL_EPMD_ADDRESS=127.0.0.1",
		"RABBITMQ_ALLOW_INPUT=1", // the script becomes the server
		"RABBITMQ_CONF_ENV_FILE="+o.path("none"), "RABBITMQ_CONFIG_FILE="+o.path("none"), "RABBITMQ_ENABLED_PLUGINS_FILE="+o.path("none"),
		"RABBITMQ_NODENAME=nova@localhost", "RABBITMQ_NODE_IP_ADDRESS=127.0.0.1", "RABBITMQ_NODE_PORT="+o.values["rabbitmq port"],
		"RABBITMQ_DIST_PORT="+port(), "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-kernel inet_dist_use_interface {127,0,0,1} +S 1:1 +sbwt none",
		"RABBITMQ_LOGS=-", "RABBITMQ_LOG_BASE="+o.dir, "RABBITMQ_PID_FILE="+o.path("rabbitmq.pid"), "RABBITMQ_MNESIA_BASE="+o.path("mnesia"))
	o.daemon(t, "rabbitmq", queue)
	eventually(t, "RabbitMQ listens", func() error {
		conn, err := net.Dial("tcp", "127.0.0.1:"+o.values["rabbitmq port"])
		if err == nil {
			conn.Close()
		}
		return err
	})
}

// manage runs commands of a management tool of OpenStack's.
func manage(t *testing.T, module string, files []string, commands ...[]string) {
	t.Helper()
	options, err := json.Marshal(files)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(commands)
	if err != nil {
		t.Fatal(err)
	}
	run(t, program("manage", module, string(options), string(text)))
}

// computes starts hosts with our agents, and a nova-compute on each.
func (o *openstack) computes(t *testing.T) {
	t.Helper()
	metadata := o.write(t, "metadata_agent.ini", documented(t, "metadata_agent.ini"))
	sb, err := sandbox.New(sandbox.Config{StateDir: o.cloud.StateDir(), Binary: filepath.Join(o.cloud.Programs(), "midonet"),
		API: o.cloud.URL, MetadataConfig: metadata})
	if err != nil {
		t.Fatal(err)
	}
	o.sandbox = sb
	t.Cleanup(func() {
		if err := sb.Down(t.Context()); err != nil {
			t.Error(err)
		}
	})
	if err := sb.Up(t.Context(), hosts); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(o.path("drivers"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{"midonet_fake.py": driver, "guest.py": guest} {
		if err := os.WriteFile(o.path("drivers/"+name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for i := range hosts {
		o.compute(t, fmt.Sprint("host", i+1))
	}
}

// compute starts nova-compute on a host, where mm-ctl finds the agent, and everything else is at the addresses that it has elsewhere.
func (o *openstack) compute(t *testing.T, host string) {
	t.Helper()
	namespace := o.sandbox.HostNamespace(host)
	for _, address := range []string{o.cloud.Keystone.URL, o.cloud.URL, "http://" + o.values["placement"], "http://" + o.values["glance"],
		"http://127.0.0.1:" + o.values["rabbitmq port"], "http://" + o.values["metadata"]} {
		address = strings.TrimSuffix(strings.TrimPrefix(address, "http://"), "/v3")
		relay(t, namespace, address)
	}
	o.write(t, host+".conf", "[DEFAULT]\nhost = "+host+"\n")
	nova := program(slices.Concat([]string{"main", "nova.cmd.compute"}, o.files(host))...)
	inside := exec.Command("ip", append([]string{"netns", "exec", namespace}, nova.Args...)...)
	inside.Env = append(os.Environ(), "DRIVERS="+o.path("drivers"), "PATH="+o.cloud.Programs()+":"+os.Getenv("PATH"),
		"MIDONET_AGENT_SOCKET="+filepath.Join(o.cloud.StateDir(), "sandbox", host, "agent.sock"))
	o.daemon(t, "nova-compute."+host, inside)
}
