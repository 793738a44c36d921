package control

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"midonet.org/midonet/errs"
)

// The exit codes of mm-ctl (midolman/src/main/scala/org/midonet/midolman/tools/MmCtl.scala).
const (
	ExitOK         = 0
	ExitBadCommand = 1
	ExitNoHostID   = 2   // the host has no identity yet
	ExitState      = 3   // the cluster or the agent cannot be asked, or refuses
	ExitNotRoot    = 13  // EACCES
	ExitUnknown    = 255 // -1 there
)

const usage = `Usage:
  mm-ctl --bind-port PORT_UUID INTERFACE   plug an interface of this host into a port
  mm-ctl --unbind-port PORT_UUID           take it out again
  mm-ctl --list-hosts                      show the hosts of the cloud
Option:
  --socket PATH                            the agent's socket (default: the environment's ` + SocketVariable + `,
                                           or ` + DefaultSocket + `)
`

// SocketVariable is the environment variable that names the agent's socket when --socket does not.
const SocketVariable = "MIDONET_AGENT_SOCKET"

// Command is mm-ctl: it runs the command that the arguments (without the program's name) give and returns the exit code. --socket
// overrides the given one; an empty socket means DefaultSocket.
func Command(ctx context.Context, args []string, socket string, stdout, stderr io.Writer) int {
	c, err := parseCommand(args)
	if err == nil && c.help {
		io.WriteString(stdout, usage)
		return ExitOK
	}
	if err != nil {
		fmt.Fprintf(stderr, "mm-ctl: %v\n%s", err, usage)
		return ExitBadCommand
	}
	if c.socket == "" {
		c.socket = socket
	}
	if c.socket == "" {
		c.socket = DefaultSocket
	}
	if err := c.run(ctx, NewClient(c.socket), stdout); err != nil {
		fmt.Fprintf(stderr, "mm-ctl: %s\n", messageOf(err))
		return exitCode(err)
	}
	return ExitOK
}

// command is a parsed command line.
type command struct {
	verb   string // the option that says what to do
	args   []string
	socket string
	help   bool
}

// verbs are the options that say what to do, with the names of their arguments.
var verbs = map[string][]string{
	"--bind-port":   {"PORT_UUID", "INTERFACE"},
	"--unbind-port": {"PORT_UUID"},
	"--list-hosts":  {},
}

// parseCommand takes options in any order, "--option value" and "--option=value", as the original's parser does.
func parseCommand(args []string) (command, error) {
	var c command
	for len(args) > 0 {
		option := args[0]
		args = args[1:]
		if name, value, ok := strings.Cut(option, "="); ok && strings.HasPrefix(option, "--") {
			option, args = name, append([]string{value}, args...)
		}
		wants, isVerb := verbs[option]
		switch {
		case option == "--help" || option == "-h":
			return command{help: true}, nil
		case option == "--socket" && len(args) > 0 && args[0] != "":
			c.socket, args = args[0], args[1:]
		case !isVerb:
			return c, fmt.Errorf("%q is not an option, or lacks its argument", option)
		case c.verb != "":
			return c, fmt.Errorf("%s and %s do not go together", c.verb, option)
		case len(args) < len(wants):
			return c, fmt.Errorf("%s needs %s", option, strings.Join(wants, " and "))
		default:
			c.verb, c.args, args = option, args[:len(wants)], args[len(wants):]
		}
	}
	if c.verb == "" {
		return c, errors.New("nothing to do")
	}
	return c, nil
}

func (c command) run(ctx context.Context, client *Client, stdout io.Writer) error {
	if c.verb == "--list-hosts" {
		hosts, err := client.Hosts(ctx)
		if err != nil {
			return err
		}
		return printHosts(stdout, hosts)
	}
	port, err := ParsePort(c.args[0])
	if err != nil {
		return err
	}
	if c.verb == "--unbind-port" {
		return client.Unbind(ctx, port)
	}
	if err := CheckInterface(c.args[1]); err != nil {
		return err
	}
	return client.Bind(ctx, port, c.args[1])
}

func printHosts(w io.Writer, hosts []Host) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tNAME\tALIVE\tENDPOINTS\tVERSION")
	for _, h := range hosts {
		fmt.Fprintf(table, "%s\t%s\t%v\t%s\t%s\n", h.ID, h.Name, h.Alive, strings.Join(h.Endpoints, ","), h.Version)
	}
	return table.Flush()
}

// messageOf returns what a person should read of the error: the causes beneath are for the agent's log.
func messageOf(err error) string {
	var known *errs.Error
	if errors.As(err, &known) {
		return known.Message
	}
	return err.Error()
}

func exitCode(err error) int {
	switch errs.KindOf(err) {
	case errs.Invalid:
		return ExitBadCommand
	case errs.Forbidden:
		return ExitNotRoot
	case errs.Unauthorized:
		return ExitNoHostID
	case errs.NotFound, errs.Conflict, errs.Unavailable:
		return ExitState
	}
	return ExitUnknown
}
