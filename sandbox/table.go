package sandbox

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Write prints the status as tables.
func (status Status) Write(out io.Writer) error {
	if len(status.Hosts)+len(status.Workloads) == 0 {
		_, err := fmt.Fprintln(out, "nothing is up; `midonet sandbox up` makes two hosts")
		return err
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "HOST\tAGENT\tUNDERLAY\tPORTS\tLAST WARNING")
	for _, h := range status.Hosts {
		agent := fmt.Sprintf("pid %d", h.Agent)
		if !h.Alive {
			agent = "not running"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%s\n", h.Name, agent, strings.Join(h.Underlay, " "), len(h.Ports), orDash(h.LastError))
	}
	fmt.Fprintln(table, "\nWORKLOAD\tHOST\tADDRESSES\tPORT\tSTATUS\tPING")
	for _, w := range status.Workloads {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", w.Name, w.Host, strings.Join(w.Addresses, " "), orDash(w.Port),
			w.PortStatus, orDash(w.Ping))
	}
	return table.Flush()
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
