package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// trafficVariable names, in the environment, the traffic tool that this test program is to be instead of running tests. The
// scenarios start it inside workloads, so that they need no traffic generator from elsewhere.
const trafficVariable = "MIDONET_E2E_TRAFFIC"

// flowReport is what udp-flow, tcp-flow and tcp-crowd print.
type flowReport struct {
	Sent     int
	Answered int
	// LongestGap is the longest run of unanswered datagrams, in time, or how long the slowest answer of a connection took.
	LongestGap time.Duration
	// LongestWait is the same without the time in which this machine stood still: that is nobody's fault.
	LongestWait time.Duration
}

// runTraffic is the main function of the traffic tools.
func runTraffic(tool string, args []string) int {
	tools := map[string]func([]string) error{
		"udp-echo": udpEcho, "udp-flow": udpFlow, "tcp-sink": tcpSink, "tcp-send": tcpSend,
		"udp-mirror": udpMirror, "udp-ask": udpAsk, "tcp-echo": tcpEcho, "tcp-flow": tcpFlow,
		"tcp-try": tcpTry, "udp-try": udpTry, "udp-flood": udpFlood, "udp-large": udpLarge,
		"http": httpAsk, "http-slow": httpSlow, "fake-nova": fakeNova, "tcp-crowd": tcpCrowd, "disorder": disorder,
		"frames-send": framesSend, "frames-see": framesSee,
	}
	run, ok := tools[tool]
	if !ok {
		fmt.Fprintln(os.Stderr, "no such tool:", tool)
		return 2
	}
	if err := run(args); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// inputEnd is closed when the tool's standard input is, by which it is told to stop.
func inputEnd() <-chan struct{} {
	stop := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(stop)
	}()
	return stop
}

// udpEcho answers every datagram to the address with itself, until it is killed: udp-echo ADDRESS:PORT.
func udpEcho(args []string) error {
	conn, err := listenPacket(args[0])
	if err != nil {
		return err
	}
	fmt.Println("ready")
	buf := make([]byte, 65536)
	for {
		n, from, err := conn.ReadFrom(buf)
		if err != nil {
			return err
		}
		if _, err := conn.WriteTo(buf[:n], from); err != nil {
			return err
		}
	}
}

// listenPacket listens for UDP with room for what comes while the machine does something else.
func listenPacket(address string) (net.PacketConn, error) {
	room := func(_, _ string, c syscall.RawConn) (err error) {
		failed := c.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 16<<20) })
		return errors.Join(failed, err)
	}
	return (&net.ListenConfig{Control: room}).ListenPacket(context.Background(), "udp", address)
}

// udpMirror answers every datagram to the address with the one that it came from, until it is killed: udp-mirror ADDRESS:PORT.
func udpMirror(args []string) error {
	conn, err := net.ListenPacket("udp", args[0])
	if err != nil {
		return err
	}
	fmt.Println("ready")
	buf := make([]byte, 64)
	for {
		_, from, err := conn.ReadFrom(buf)
		if err != nil {
			return err
		}
		if _, err := conn.WriteTo([]byte(from.String()), from); err != nil {
			return err
		}
	}
}

// udpAsk sends a datagram again and again until it is answered, and prints the answer: udp-ask ADDRESS:PORT.
func udpAsk(args []string) error {
	conn, err := net.Dial("udp", args[0])
	if err != nil {
		return err
	}
	buf := make([]byte, 128)
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if _, err = conn.Write([]byte("?")); err != nil {
			continue // the kernel's note of an ICMP answer to an earlier one
		}
		if err = conn.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
			return err
		}
		var n int
		if n, err = conn.Read(buf); err == nil {
			fmt.Println(string(buf[:n]))
			return nil
		}
	}
	return err
}

// udpLarge sends a datagram of so many octets to a udp-echo again and again until it comes back as it was: udp-large ADDRESS:PORT OCTETS.
func udpLarge(args []string) error {
	size, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	conn, err := net.Dial("udp", args[0])
	if err != nil {
		return err
	}
	data, buf := make([]byte, size), make([]byte, 65536)
	end := time.Now().Add(patience)
	for try := 0; time.Now().Before(end); try++ {
		for i := range data {
			data[i] = byte(try + i*7>>3)
		}
		if _, err = conn.Write(data); err != nil {
			time.Sleep(10 * time.Millisecond)
			continue
		}
		if err = conn.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
			return err
		}
		for n := 0; err == nil; { // past late answers to the tries before
			if n, err = conn.Read(buf); err == nil && bytes.Equal(buf[:n], data) {
				return nil
			}
		}
	}
	return fmt.Errorf("no answer to %d octets: %w", size, err)
}

// udpFlow sends numbered datagrams at an interval until its standard input closes, and reports which were answered. Then it goes on with one of
// another number until that is answered, for so long at most: udp-flow ADDRESS:PORT INTERVAL [WAIT].
func udpFlow(args []string) error {
	interval, err := time.ParseDuration(args[1])
	if err != nil {
		return err
	}
	wait := patience
	if len(args) > 2 {
		if wait, err = time.ParseDuration(args[2]); err != nil {
			return err
		}
	}
	conn, err := net.Dial("udp", args[0])
	if err != nil {
		return err
	}
	stop := inputEnd()
	answers, ended := make(chan map[uint64]bool, 1), make(chan struct{})
	go func() { answers <- collectAnswers(conn, ended) }()
	fmt.Println("ready")
	sent := sendNumbered(conn, interval, stop)
	for end := time.Now().Add(wait); time.Now().Before(end) && !closed(ended); time.Sleep(interval) {
		_, _ = conn.Write(binary.BigEndian.AppendUint64(nil, lastNumber)) // as in sendNumbered
	}
	if err := conn.SetReadDeadline(time.Now().Add(500 * time.Millisecond)); err != nil { // those that it has overtaken are on their way
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(report(sent, <-answers, interval))
}

// lastNumber is that of a datagram that is no part of the flow: with its answer the answers to those before it have come, or are lost.
const lastNumber = math.MaxUint64

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// sendNumbered sends until stop closes and returns how many it sent.
func sendNumbered(conn net.Conn, interval time.Duration, stop <-chan struct{}) int {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for n := 0; ; n++ {
		// An error here is the kernel's note of an earlier ICMP answer: the datagram counts as lost.
		_, _ = conn.Write(binary.BigEndian.AppendUint64(nil, uint64(n)))
		select {
		case <-stop:
			return n + 1
		case <-ticker.C:
		}
	}
}

// collectAnswers reads until the connection's deadline and returns the numbers that came back. It closes ended with the last one.
func collectAnswers(conn net.Conn, ended chan<- struct{}) map[uint64]bool {
	end := sync.OnceFunc(func() { close(ended) })
	got := map[uint64]bool{}
	buf := make([]byte, 64)
	for {
		n, err := conn.Read(buf)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return got
		}
		if err == nil && n == 8 {
			if number := binary.BigEndian.Uint64(buf); number == lastNumber {
				end()
			} else {
				got[number] = true
			}
		}
	}
}

func report(sent int, got map[uint64]bool, interval time.Duration) flowReport {
	longest, run := 0, 0
	for n := range sent {
		run++
		if got[uint64(n)] {
			run = 0
		}
		longest = max(longest, run)
	}
	gap := time.Duration(longest) * interval
	return flowReport{Sent: sent, Answered: len(got), LongestGap: gap, LongestWait: gap} // who stands still sends nothing
}

// tcpSink takes one connection after another and answers each with the SHA-256 of what it received: tcp-sink PORT.
func tcpSink(args []string) error {
	l, err := net.Listen("tcp", ":"+args[0])
	if err != nil {
		return err
	}
	fmt.Println("ready")
	for {
		conn, err := l.Accept()
		if err != nil {
			return err
		}
		sum := sha256.New()
		if _, err := io.Copy(sum, conn); err != nil {
			return err
		}
		if _, err := conn.Write(sum.Sum(nil)); err != nil {
			return err
		}
		conn.Close()
	}
}

// tcpSend sends so many bytes to a tcp-sink and checks that it received exactly these: tcp-send ADDRESS:PORT BYTES.
func tcpSend(args []string) error {
	size, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	conn, err := net.DialTimeout("tcp", args[0], patience)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	data := make([]byte, size)
	for i := range data {
		data[i] = byte(i * 7 >> 3)
	}
	if _, err := conn.Write(data); err != nil {
		return err
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		return err
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		return err
	}
	if want := sha256.Sum256(data); string(answer) != string(want[:]) {
		return fmt.Errorf("the receiver's checksum is %x, want %x", answer, want)
	}
	return nil
}

// tcpEcho sends every octet of every connection back, until it is killed: tcp-echo PORT.
func tcpEcho(args []string) error {
	l, err := net.Listen("tcp", ":"+args[0])
	if err != nil {
		return err
	}
	fmt.Println("ready")
	for {
		conn, err := l.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer conn.Close()
			_, _ = io.Copy(conn, conn) // the other end tells how it went
		}()
	}
}

// tcpFlow sends block after block over one connection to a tcp-echo, the next when the last came back, until its standard input
// closes, and reports how many there were and how long the slowest took: tcp-flow ADDRESS:PORT INTERVAL.
func tcpFlow(args []string) error {
	interval, err := time.ParseDuration(args[1])
	if err != nil {
		return err
	}
	conn, err := net.DialTimeout("tcp", args[0], patience)
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := inputEnd()
	fmt.Println("ready")
	r, err := converse(conn, 16<<10, interval, stop)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}

// converse exchanges blocks of so many octets until stop closes, one at least.
func converse(conn net.Conn, octets int, interval time.Duration, stop <-chan struct{}) (r flowReport, err error) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for block := make([]byte, octets); ; {
		binary.BigEndian.PutUint64(block, uint64(r.Sent))
		began, ran := time.Now(), machineTime()
		if err := exchange(conn, block); err != nil {
			return r, fmt.Errorf("after %d blocks: %w", r.Answered, err)
		}
		r.Sent, r.Answered = r.Sent+1, r.Answered+1
		r.LongestGap, r.LongestWait = max(r.LongestGap, time.Since(began)), max(r.LongestWait, machineTime()-ran)
		select {
		case <-stop:
			return r, nil
		case <-ticker.C:
		}
	}
}

// machineTime counts the time in which this machine runs: a ticker makes up for no ticks that were missed.
func machineTime() time.Duration {
	startMachineTime()
	return time.Duration(machineTicks.Load()) * machineTick
}

const machineTick = 5 * time.Millisecond

var (
	machineTicks     atomic.Int64
	startMachineTime = sync.OnceFunc(func() {
		ticker := time.NewTicker(machineTick)
		go func() {
			for range ticker.C {
				machineTicks.Add(1)
			}
		}()
	})
)

// tcpCrowd is tcp-flow over so many connections at a time, of small blocks, which are opened within a tenth of a second: tcp-crowd ADDRESS:PORT INTERVAL COUNT.
func tcpCrowd(args []string) error {
	interval, err := time.ParseDuration(args[1])
	if err != nil {
		return err
	}
	count, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	stop := inputEnd()
	reports := make([]flowReport, count)
	var group errgroup.Group
	fmt.Println("ready")
	for i := range reports {
		group.Go(func() error {
			time.Sleep(time.Second / 10 * time.Duration(i) / time.Duration(count))
			conn, err := net.DialTimeout("tcp", args[0], patience)
			if err != nil {
				return err
			}
			defer conn.Close()
			reports[i], err = converse(conn, 64, interval, stop)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	var all flowReport
	for _, r := range reports {
		all.Sent, all.Answered = all.Sent+r.Sent, all.Answered+r.Answered
		all.LongestGap, all.LongestWait = max(all.LongestGap, r.LongestGap), max(all.LongestWait, r.LongestWait)
	}
	return json.NewEncoder(os.Stdout).Encode(all)
}

// exchange sends the block and waits until the same one came back.
func exchange(conn net.Conn, block []byte) error {
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if _, err := conn.Write(block); err != nil {
		return err
	}
	back := make([]byte, len(block))
	if _, err := io.ReadFull(conn, back); err != nil {
		return err
	}
	if !bytes.Equal(back, block) {
		return errors.New("another block came back")
	}
	return nil
}

// tryTime is how long one attempt waits for an answer, where nothing else is said.
const tryTime = 300 * time.Millisecond

// tcpTry opens a connection, once: tcp-try ADDRESS:PORT [WAIT].
func tcpTry(args []string) error {
	wait, err := waitOf(args)
	if err != nil {
		return err
	}
	conn, err := net.DialTimeout("tcp", args[0], wait)
	if err != nil {
		return err
	}
	return conn.Close()
}

// waitOf is how long a try waits.
func waitOf(args []string) (time.Duration, error) {
	if len(args) < 2 {
		return tryTime, nil
	}
	return time.ParseDuration(args[1])
}

// udpTry sends a datagram, once, and waits for an answer: udp-try ADDRESS:PORT [WAIT].
func udpTry(args []string) error {
	wait, err := waitOf(args)
	if err != nil {
		return err
	}
	conn, err := net.Dial("udp", args[0])
	if err != nil {
		return err
	}
	if _, err := conn.Write([]byte("?")); err != nil {
		return err
	}
	if err := conn.SetReadDeadline(time.Now().Add(wait)); err != nil {
		return err
	}
	_, err = conn.Read(make([]byte, 128))
	return err
}

// udpFlood sends datagrams to one port after the other, from one source port after the other, until its standard input closes, and
// prints how many it sent: udp-flood ADDRESS.
func udpFlood(args []string) error {
	stop := inputEnd()
	fmt.Println("ready")
	for sent := 0; ; {
		conn, err := net.ListenUDP("udp", nil)
		if err != nil {
			return err
		}
		for port := 10000; port < 60000; port++ {
			select {
			case <-stop:
				fmt.Println(sent)
				return conn.Close()
			default:
			}
			// An error is the kernel's note of an earlier answer, or that its queue is full.
			_, _ = conn.WriteToUDP([]byte("!"), &net.UDPAddr{IP: net.ParseIP(args[0]), Port: port})
			sent++
		}
		conn.Close()
	}
}
