package run

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/gopacket/gopacket/pcapgo"

	"midonet.org/midonet/agent/control"
	"midonet.org/midonet/agent/sim"
	"midonet.org/midonet/errs"
)

// TcpdumpConfig says which port to listen at.
type TcpdumpConfig struct {
	Socket string // the agent's; empty: control.DefaultSocket
	Port   string // UUID, unique prefix of it, or name
	File   string // where the pcap goes; "-": to the output; empty: the output has a line for each packet
	Count  int    // of packets; 0: until ctx ends
}

// Tcpdump captures the packets of a port of this host, both directions, until it has enough or ctx ends, which is no error.
func Tcpdump(ctx context.Context, c TcpdumpConfig, out io.Writer) error {
	if c.Count < 0 {
		return errs.New(errs.Invalid, "BadCount", "%d is not a number of packets", c.Count)
	}
	if c.Port == "" {
		return errs.New(errs.Invalid, "BadPort", "no port is named: write its UUID, the beginning of it, or its name")
	}
	if c.Socket == "" {
		c.Socket = control.DefaultSocket
	}
	stream, err := control.NewClient(c.Socket).Capture(ctx, c.Port, c.Count)
	if err != nil {
		return err
	}
	defer stream.Close()
	if err = keep(stream, c.File, out); ctx.Err() != nil {
		return nil
	}
	return err
}

// keep copies the stream to where it is wanted.
func keep(stream io.Reader, file string, out io.Writer) error {
	switch file {
	case "":
		return printPackets(stream, out)
	case "-":
		_, err := io.Copy(out, stream)
		return err
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600) // what workloads say is not for everybody
	if err != nil {
		return err
	}
	_, err = io.Copy(f, stream)
	return errors.Join(err, f.Close())
}

// printPackets writes a line for each packet, in the words of `midonet trace`.
func printPackets(stream io.Reader, out io.Writer) error {
	packets, err := pcapgo.NewReader(bufio.NewReader(stream))
	if err != nil {
		return err
	}
	for {
		frame, info, err := packets.ReadPacketData()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(out, "%s %s, %d octets\n", info.Timestamp.Format("15:04:05.000000"), sim.Describe(frame), info.Length); err != nil {
			return err
		}
	}
}
