package run

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"midonet.org/midonet/cluster/inspect"
	"midonet.org/midonet/cluster/operator"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/topology"
)

// Status writes how the server is, and the picture of its networks.
func Status(ctx context.Context, c *AdminClient, w io.Writer) error {
	s, err := c.Status(ctx)
	if err != nil {
		return err
	}
	up := time.Since(time.Unix(s.StartedUnix, 0)).Truncate(time.Second)
	fmt.Fprintf(w, "server %s, up %s\n", s.Version, up)
	for _, line := range [][2]string{
		{"Networking API", s.API},
		{"MidoNet API", s.MidoNetAPI},
		{"agents", strings.Join(s.Stream, " ")},
		{"metrics", s.Metrics},
		{"database", s.Database},
		{"journal", fmt.Sprintf("%d pending, %d applied", s.JournalPending, s.TasksApplied)},
		{"data version", s.DataVersion},
	} {
		if line[1] != "" {
			fmt.Fprintf(w, "  %-14s %s\n", line[0], line[1])
		}
	}
	if s.ReadOnly {
		fmt.Fprintln(w, "  read-only      the Networking API refuses writes; midonet db data-readwrite lets them in again")
	}
	for _, p := range s.Problems {
		fmt.Fprintf(w, "  problem        %s\n", p)
	}
	if s.NoTopology {
		return nil
	}
	fmt.Fprintln(w)
	dump, err := c.Dump(ctx)
	if err != nil {
		return err
	}
	defer dump.Close()
	objects, err := inspect.ReadDump(dump)
	if err != nil {
		return err
	}
	return inspect.Picture(w, objects, s.Hosts)
}

// DBCheck writes what differs between the stored topology and a full rendering; a difference is an error.
func DBCheck(ctx context.Context, c *AdminClient, w io.Writer) error {
	report, err := c.Check(ctx)
	if err != nil {
		return err
	}
	for _, d := range report.Differences {
		fmt.Fprintln(w, d)
	}
	if n := len(report.Differences); n > 0 {
		return errs.New(errs.Conflict, "TopologyDiffers", "%d differences in %d objects; restart the server to have them repaired, and report this", n, report.Objects)
	}
	fmt.Fprintf(w, "%d objects: incremental equals full; %d tasks pending\n", report.Objects, report.Pending)
	return nil
}

// PrintJoinLine makes a token and writes the command that adds a host.
func PrintJoinLine(ctx context.Context, c *AdminClient, r TokenRequest, w io.Writer) error {
	reply, err := c.JoinToken(ctx, r)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "midonet agent --join %s\n", reply.Token)
	return err
}

// RevokeHost takes a host's certificates back and writes what that means.
func RevokeHost(ctx context.Context, c *AdminClient, host string, w io.Writer) error {
	reply, err := c.Revoke(ctx, RevokeRequest{Host: host})
	if err != nil {
		return err
	}
	name := reply.Name
	if name == "" {
		name = "not known here"
	}
	_, err = fmt.Fprintf(w, "the certificates of host %s (%s) are refused from now on; with a new one it is back:\n"+
		"midonet join-token here, then midonet agent --join TOKEN there. openstack network agent delete forgets a host that stays away.\n",
		reply.Host, name)
	return err
}

// DBRestore puts back what operators have made over the MidoNet API, of a file that `midonet db dump` wrote.
func DBRestore(ctx context.Context, c *AdminClient, file string, w io.Writer) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	all, err := inspect.ReadDump(f)
	if err != nil {
		return err
	}
	var kept bytes.Buffer
	if err := inspect.WriteDump(&kept, slices.DeleteFunc(all, func(o topology.Object) bool { return !operator.Kept(o) })); err != nil {
		return err
	}
	reply, err := c.Restore(ctx, &kept)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "put back %d objects\n", reply.Objects)
	return err
}
