package dhcp

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/insomniacslk/dhcp/rfc1035label"

	"midonet.org/midonet/topology"
)

// form is how the value of an option is written.
type form uint8

const (
	guess     form = iota // by its looks, as dnsmasq does for a number that it has no name for
	text                  // as it is
	addresses             // IPv4 addresses
	integer8
	integer16 // one or several
	integer32 // one or several
	flag      // true, false, 1, 0
	octets    // hexadecimal digits, with colons or without
	domains   // names to search (RFC 3397)
	networks  // addresses and masks: prefixes (RFC 2132 option 21), or pairs of addresses (option 33)
	routes    // prefix, next hop, prefix, next hop … (RFC 3442)
)

// serverAddress is dnsmasq's number for the field siaddr: the server that the boot file is fetched from. As an option number it is
// the end mark, so that it never collides.
const serverAddress = 255

// known is the options that have a name and a form: dnsmasq's names (`dnsmasq --help dhcp`) first, then those of midolman
// (DHCPOption.java) where they differ.
var known = []struct {
	code  uint8
	form  form
	names []string
}{
	{1, addresses, []string{"netmask", "subnet-mask"}},
	{2, integer32, []string{"time-offset"}},
	{3, addresses, []string{"router"}},
	{4, addresses, []string{"time-server"}},
	{5, addresses, []string{"name-server"}},
	{6, addresses, []string{"dns-server", "dns"}},
	{7, addresses, []string{"log-server"}},
	{8, addresses, []string{"quotes-server"}},
	{9, addresses, []string{"lpr-server"}},
	{12, text, []string{"hostname", "host-name"}},
	{13, integer16, []string{"boot-file-size"}},
	{15, text, []string{"domain-name"}},
	{16, addresses, []string{"swap-server"}},
	{17, text, []string{"root-path"}},
	{18, text, []string{"extension-path"}},
	{19, flag, []string{"ip-forward-enable"}},
	{20, flag, []string{"non-local-source-routing"}},
	{21, networks, []string{"policy-filter"}},
	{22, integer16, []string{"max-datagram-reassembly"}},
	{23, integer8, []string{"default-ttl", "default-ip-ttl"}},
	{26, integer16, []string{"mtu", "interface-mtu"}},
	{27, flag, []string{"all-subnets-local", "all-subnets-are-local"}},
	{28, addresses, []string{"broadcast", "broadcast-address"}},
	{31, flag, []string{"router-discovery"}},
	{32, addresses, []string{"router-solicitation"}},
	{33, networks, []string{"static-route"}},
	{34, flag, []string{"trailer-encapsulation"}},
	{35, integer32, []string{"arp-timeout", "arp-cache-timeout"}},
	{36, flag, []string{"ethernet-encap", "ethernet-encapsulation"}},
	{37, integer8, []string{"tcp-ttl", "tcp-default-ttl"}},
	{38, integer32, []string{"tcp-keepalive", "tcp-keepalive-interval"}},
	{40, text, []string{"nis-domain"}},
	{41, addresses, []string{"nis-server", "nis-servers"}},
	{42, addresses, []string{"ntp-server", "ntp-servers"}},
	{43, guess, []string{"vendor-encap", "vendor-specific-information"}},
	{44, addresses, []string{"netbios-ns"}},
	{45, addresses, []string{"netbios-dd"}},
	{46, integer8, []string{"netbios-nodetype"}},
	{47, text, []string{"netbios-scope"}},
	{48, addresses, []string{"x-windows-fs"}},
	{49, addresses, []string{"x-windows-dm"}},
	{51, integer32, []string{"lease-time", "ip-lease-time"}},
	{58, integer32, []string{"T1", "renewal-time-value"}},
	{59, integer32, []string{"T2", "rebinding-time-value"}},
	{60, text, []string{"vendor-class", "class-identifier"}},
	{64, text, []string{"nis+-domain"}},
	{65, addresses, []string{"nis+-server"}},
	{66, text, []string{"tftp-server", "tftp-server-name"}},
	{67, text, []string{"bootfile-name"}},
	{68, addresses, []string{"mobile-ip-home", "mobile-ip-home-agent"}},
	{69, addresses, []string{"smtp-server"}},
	{70, addresses, []string{"pop3-server"}},
	{71, addresses, []string{"nntp-server"}},
	{72, addresses, []string{"default-www-server"}},
	{74, addresses, []string{"irc-server"}},
	{77, text, []string{"user-class"}},
	{114, text, []string{"captive-portal", "default-url"}},
	{119, domains, []string{"domain-search"}},
	{120, guess, []string{"sip-server", "sip-servers"}},
	{121, routes, []string{"classless-static-route", "classless-static-routes"}},
	{125, octets, []string{"vendor-id-encap", "vivso"}},
	{150, addresses, []string{"tftp-server-address"}},
	{209, text, []string{"config-file"}},
	{210, text, []string{"path-prefix"}},
	{211, integer32, []string{"reboot-time"}},
	{classlessMicrosoft, routes, nil},
	{serverAddress, addresses, []string{"server-ip-address"}},
}

// encodeOption returns the number and octets of an extra option, or an error that says for the trace what is wrong with it.
func encodeOption(o topology.DHCPOption) (code uint8, value []byte, err error) {
	code, how, ok := lookUp(o.Name)
	if !ok {
		return 0, nil, fmt.Errorf("%q is not the name of an option", o.Name)
	}
	if value, err = how.encode(strings.TrimSpace(o.Value)); err != nil {
		return 0, nil, fmt.Errorf("option %s: %w", o.Name, err)
	}
	if code == serverAddress && len(value) != 4 {
		return 0, nil, fmt.Errorf("option %s: %q is not one address", o.Name, o.Value)
	}
	return code, value, nil
}

// lookUp finds an option by number or name. Letter case and the choice between hyphens, underscores and blanks do not matter.
func lookUp(name string) (code uint8, how form, ok bool) {
	name = strings.TrimPrefix(strings.NewReplacer("_", "-", " ", "-").Replace(strings.TrimSpace(name)), "option:")
	number, err := strconv.ParseUint(name, 10, 8)
	for _, k := range known {
		if err == nil && uint64(k.code) == number {
			return k.code, k.form, true
		}
		for _, n := range k.names {
			if strings.EqualFold(n, name) {
				return k.code, k.form, true
			}
		}
	}
	return uint8(number), guess, err == nil && number != 0
}

func (f form) encode(value string) ([]byte, error) {
	if value == "" && f != text && f != guess {
		return nil, fmt.Errorf("no value")
	}
	switch f {
	case text:
		return []byte(value), nil
	case addresses:
		return eachPart(value, appendAddr)
	case integer8:
		return eachPart(value, appendInteger(1))
	case integer16:
		return eachPart(value, appendInteger(2))
	case integer32:
		return eachPart(value, appendInteger(4))
	case flag:
		return encodeFlag(value)
	case octets:
		return encodeOctets(value)
	case domains:
		return encodeDomains(value)
	case networks:
		return eachPart(value, appendNetwork)
	case routes:
		return encodeRoutes(value)
	}
	return encodeGuess(value), nil
}

// eachPart encodes the parts of a list with commas.
func eachPart(value string, encode func(b []byte, part string) ([]byte, error)) (b []byte, err error) {
	for part := range strings.SplitSeq(value, ",") {
		if b, err = encode(b, strings.TrimSpace(part)); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func appendAddr(b []byte, part string) ([]byte, error) {
	a, err := netip.ParseAddr(part)
	if err != nil || !a.Is4() {
		return nil, fmt.Errorf("%q is not an IPv4 address", part)
	}
	return append(b, a.AsSlice()...), nil
}

func appendInteger(size int) func([]byte, string) ([]byte, error) {
	return func(b []byte, part string) ([]byte, error) {
		n, err := strconv.ParseInt(part, 0, 64)
		limit := int64(1) << (size * 8)
		if err != nil || n >= limit || n < -limit/2 {
			return nil, fmt.Errorf("%q is not a number of %d octets", part, size)
		}
		full := binary.BigEndian.AppendUint64(nil, uint64(n))
		return append(b, full[8-size:]...), nil
	}
}

// appendNetwork appends a prefix as network and mask, and a plain address as it is.
func appendNetwork(b []byte, part string) ([]byte, error) {
	p, err := netip.ParsePrefix(part)
	if err != nil || !p.Addr().Is4() {
		return appendAddr(b, part)
	}
	b = append(b, p.Masked().Addr().AsSlice()...)
	return binary.BigEndian.AppendUint32(b, ^uint32(0)<<(32-p.Bits())), nil
}

func encodeFlag(value string) ([]byte, error) {
	on, err := strconv.ParseBool(strings.ToLower(value))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%q is neither true nor false", value)
	case on:
		return []byte{1}, nil
	}
	return []byte{0}, nil
}

func encodeOctets(value string) ([]byte, error) {
	b, err := hex.DecodeString(strings.TrimPrefix(strings.ReplaceAll(value, ":", ""), "0x"))
	if err != nil {
		return nil, fmt.Errorf("%q is not hexadecimal", value)
	}
	return b, nil
}

func encodeDomains(value string) ([]byte, error) {
	labels := rfc1035label.NewLabels()
	for part := range strings.SplitSeq(value, ",") {
		name := strings.TrimSuffix(strings.TrimSpace(part), ".")
		for label := range strings.SplitSeq(name, ".") {
			if label == "" || len(label) > 63 {
				return nil, fmt.Errorf("%q is not a domain name", part)
			}
		}
		labels.Labels = append(labels.Labels, name)
	}
	return labels.ToBytes(), nil
}

func encodeRoutes(value string) ([]byte, error) {
	parts := strings.Split(value, ",")
	if len(parts)%2 != 0 {
		return nil, fmt.Errorf("%q is not a list of prefixes and next hops in turn", value)
	}
	var b []byte
	for i := 0; i < len(parts); i += 2 {
		to, err := netip.ParsePrefix(strings.TrimSpace(parts[i]))
		if err != nil || !to.Addr().Is4() {
			return nil, fmt.Errorf("%q is not an IPv4 prefix", parts[i])
		}
		via, err := netip.ParseAddr(strings.TrimSpace(parts[i+1]))
		if err != nil || !via.Is4() {
			return nil, fmt.Errorf("%q is not an IPv4 address", parts[i+1])
		}
		b = appendRoute(b, to, via)
	}
	return b, nil
}

// encodeGuess reads addresses, numbers in the fewest octets of 1, 2 or 4, octets in hexadecimal with colons, and anything else as
// text: the rules of dnsmasq's parse_dhcp_opt.
func encodeGuess(value string) []byte {
	if b, err := eachPart(value, appendAddr); err == nil {
		return b
	}
	if n, err := strconv.ParseUint(value, 10, 32); err == nil {
		full := binary.BigEndian.AppendUint32(nil, uint32(n))
		switch {
		case n < 1<<8:
			return full[3:]
		case n < 1<<16:
			return full[2:]
		}
		return full
	}
	if strings.Contains(value, ":") {
		if b, err := encodeOctets(value); err == nil {
			return b
		}
	}
	return []byte(value)
}
