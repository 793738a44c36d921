// Package capture copies the packets of a network interface, both directions, into a stream in pcap form
// (draft-ietf-opsawg-pcap), which Wireshark and tcpdump read.
package capture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"
	"unsafe"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
	"golang.org/x/sys/unix"
)

// snapLength is how much of a packet is kept, octets: all of it, an offloaded one included.
const snapLength = 1<<18 - 1

// auxiliary is the room for what the kernel says beside a packet.
var auxiliary = unix.CmsgSpace(int(unsafe.Sizeof(unix.TpacketAuxdata{})))

// Open listens at an interface of the network namespace that the thread is in. What comes from then on is kept by the kernel, as
// far as the socket's buffer goes, until Copy reads it.
func Open(iface string) (*Source, error) {
	link, err := net.InterfaceByName(iface)
	if err != nil {
		return nil, fmt.Errorf("interface %s: %w", iface, err)
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("packet socket: %w", err)
	}
	s := &Source{file: os.NewFile(uintptr(fd), "packets of "+iface)}
	err = errors.Join(
		unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_AUXDATA, 1),
		unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: networkOrder(unix.ETH_P_ALL), Ifindex: link.Index}),
	)
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("packet socket on %s: %w", iface, err)
	}
	return s, nil
}

func networkOrder(n uint16) uint16 { return n<<8 | n>>8 }

// Source is an interface that is listened at.
type Source struct{ file *os.File }

// Close ends it, also while Copy runs.
func (s *Source) Close() error { return s.file.Close() }

// Copy writes packets until it has written count of them (0: no limit), until ctx ends, which is no error, or until w fails. flush is
// called after the file's head and after each packet.
func (s *Source) Copy(ctx context.Context, w io.Writer, count int, flush func() error) error {
	out := pcapgo.NewWriterNanos(w)
	if err := errors.Join(out.WriteFileHeader(snapLength, layers.LinkTypeEthernet), flush()); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = s.file.SetReadDeadline(time.Now()) }) // what Copy waits for comes to nothing
	defer stop()
	buf := make([]byte, snapLength)
	for n := 0; count == 0 || n < count; n++ {
		frame, err := s.read(buf)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		info := gopacket.CaptureInfo{Timestamp: time.Now(), CaptureLength: len(frame), Length: len(frame)}
		if err := errors.Join(out.WritePacket(info, frame), flush()); err != nil {
			return err
		}
	}
	return nil
}

// read waits for the next packet. The room for a tag, which the kernel keeps apart, is left before it.
func (s *Source) read(buf []byte) ([]byte, error) {
	conn, err := s.file.SyscallConn()
	if err != nil {
		return nil, err
	}
	oob := make([]byte, auxiliary)
	var n, beside int
	var failed error
	err = conn.Read(func(fd uintptr) bool {
		n, beside, _, _, failed = unix.Recvmsg(int(fd), buf[tagLength:], oob, 0)
		return !errors.Is(failed, unix.EAGAIN)
	})
	if err = errors.Join(err, failed); err != nil {
		return nil, err
	}
	return withTag(buf[:tagLength+n], oob[:beside]), nil
}

const tagLength, addressesLength = 4, 12

// withTag puts the 802.1Q tag back that the kernel took out of the frame, which begins after room for it.
func withTag(buf, oob []byte) []byte {
	aux := auxiliaryOf(oob)
	if aux == nil || aux.Status&unix.TP_STATUS_VLAN_VALID == 0 || len(buf) < tagLength+addressesLength {
		return buf[tagLength:]
	}
	copy(buf, buf[tagLength:tagLength+addressesLength])
	tpid := uint16(unix.ETH_P_8021Q)
	if aux.Status&unix.TP_STATUS_VLAN_TPID_VALID != 0 {
		tpid = aux.Vlan_tpid
	}
	tag := []byte{byte(tpid >> 8), byte(tpid), byte(aux.Vlan_tci >> 8), byte(aux.Vlan_tci)}
	copy(buf[addressesLength:], tag)
	return buf
}

func auxiliaryOf(oob []byte) *unix.TpacketAuxdata {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil
	}
	for _, m := range messages {
		if m.Header.Level == unix.SOL_PACKET && m.Header.Type == unix.PACKET_AUXDATA && len(m.Data) >= int(unsafe.Sizeof(unix.TpacketAuxdata{})) {
			return (*unix.TpacketAuxdata)(unsafe.Pointer(&m.Data[0]))
		}
	}
	return nil
}
