package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"time"
)

// trafficVariable names, in the environment, the traffic tool that this test program is to be instead of running tests. The
// scenarios start it inside workloads, so that they need no traffic generator from elsewhere.
const trafficVariable = "MIDONET_E2E_TRAFFIC"

// flowReport is what the udp-flow tool prints.
type flowReport struct {
	Sent     int
	Answered int
	// LongestGap is the longest run of unanswered datagrams, in time.
	LongestGap time.Duration
}

// runTraffic is the main function of the traffic tools.
func runTraffic(tool string, args []string) int {
	tools := map[string]func([]string) error{
		"udp-echo": udpEcho, "udp-flow": udpFlow, "tcp-sink": tcpSink, "tcp-send": tcpSend,
		"udp-mirror": udpMirror, "udp-ask": udpAsk, "tcp-echo": tcpEcho, "tcp-flow": tcpFlow,
		"tcp-try": tcpTry, "udp-try": udpTry, "udp-flood": udpFlood, "udp-large": udpLarge,
		"http": httpAsk, "http-slow": httpSlow, "fake-nova": fakeNova,
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

// udpEcho answers every datagram to the address with itself, until it is killed: udp-echo ADDRESS:PORT.
func udpEcho(args []string) error {
	conn, err := net.ListenPacket("udp", args[0])
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

// udpAsk sends a datagram until it is answered, a few times, and prints the answer: udp-ask ADDRESS:PORT.
func udpAsk(args []string) error {
	conn, err := net.Dial("udp", args[0])
	if err != nil {
		return err
	}
	buf := make([]byte, 128)
	for range 5 {
		if _, err = conn.Write([]byte("?")); err != nil {
			continue
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

// udpLarge sends a datagram of so many octets to a udp-echo until it comes back as it was, a few times: udp-large ADDRESS:PORT OCTETS.
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
	for try := range 5 {
		for i := range data {
			data[i] = byte(try + i*7>>3)
		}
		if _, err = conn.Write(data); err != nil {
			continue
		}
		if err = conn.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
			return err
		}
		var n int
		if n, err = conn.Read(buf); err == nil && bytes.Equal(buf[:n], data) {
			return nil
		}
	}
	return fmt.Errorf("no answer to %d octets: %w", size, err)
}

// udpFlow sends numbered datagrams at an interval until its standard input closes, and reports which were answered:
// udp-flow ADDRESS:PORT INTERVAL.
func udpFlow(args []string) error {
	interval, err := time.ParseDuration(args[1])
	if err != nil {
		return err
	}
	conn, err := net.Dial("udp", args[0])
	if err != nil {
		return err
	}
	stop := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(stop)
	}()
	answers := make(chan map[uint64]bool, 1)
	go func() { answers <- collectAnswers(conn) }()
	sent := sendNumbered(conn, interval, stop)
	if err := conn.SetReadDeadline(time.Now().Add(500 * time.Millisecond)); err != nil { // the last answers are on their way
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(report(sent, <-answers, interval))
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

// collectAnswers reads until the connection's deadline and returns the numbers that came back.
func collectAnswers(conn net.Conn) map[uint64]bool {
	got := map[uint64]bool{}
	buf := make([]byte, 64)
	for {
		n, err := conn.Read(buf)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return got
		}
		if err == nil && n == 8 {
			got[binary.BigEndian.Uint64(buf)] = true
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
	return flowReport{Sent: sent, Answered: len(got), LongestGap: time.Duration(longest) * interval}
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
	conn, err := net.DialTimeout("tcp", args[0], 10*time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
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
	conn, err := net.DialTimeout("tcp", args[0], 3*time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(stop)
	}()
	var r flowReport
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for block := make([]byte, 16<<10); ; {
		binary.BigEndian.PutUint64(block, uint64(r.Sent))
		began := time.Now()
		if err := exchange(conn, block); err != nil {
			return fmt.Errorf("after %d blocks: %w", r.Answered, err)
		}
		r.Sent, r.Answered, r.LongestGap = r.Sent+1, r.Answered+1, max(r.LongestGap, time.Since(began))
		select {
		case <-stop:
			return json.NewEncoder(os.Stdout).Encode(r)
		case <-ticker.C:
		}
	}
}

// exchange sends the block and waits until the same one came back.
func exchange(conn net.Conn, block []byte) error {
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
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

// tryTime is how long one attempt waits for an answer.
const tryTime = 300 * time.Millisecond

// tcpTry opens a connection, once: tcp-try ADDRESS:PORT.
func tcpTry(args []string) error {
	conn, err := net.DialTimeout("tcp", args[0], tryTime)
	if err != nil {
		return err
	}
	return conn.Close()
}

// udpTry sends a datagram, once, and waits for an answer: udp-try ADDRESS:PORT.
func udpTry(args []string) error {
	conn, err := net.Dial("udp", args[0])
	if err != nil {
		return err
	}
	if _, err := conn.Write([]byte("?")); err != nil {
		return err
	}
	if err := conn.SetReadDeadline(time.Now().Add(tryTime)); err != nil {
		return err
	}
	_, err = conn.Read(make([]byte, 128))
	return err
}

// udpFlood sends datagrams to one port after the other, from one source port after the other, until its standard input closes, and
// prints how many it sent: udp-flood ADDRESS.
func udpFlood(args []string) error {
	stop := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(stop)
	}()
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
