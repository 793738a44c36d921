package model

import (
	"encoding/json"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"time"

	"midonet.org/midonet/id"
	"midonet.org/midonet/mac"
)

// appenderOf returns the function that writes a field of type t. It takes a pointer to the field, which costs no allocation.
// The types that every port has are written by hand; the rest goes through encoding/json.
func appenderOf(t reflect.Type) func(dst []byte, p any) []byte {
	switch reflect.New(t).Interface().(type) {
	case *string:
		return func(dst []byte, p any) []byte { return appendString(dst, *p.(*string)) }
	case *Status:
		return func(dst []byte, p any) []byte { return appendString(dst, string(*p.(*Status))) }
	case *bool:
		return func(dst []byte, p any) []byte { return strconv.AppendBool(dst, *p.(*bool)) }
	case *int:
		return func(dst []byte, p any) []byte { return strconv.AppendInt(dst, int64(*p.(*int)), 10) }
	case *int64:
		return func(dst []byte, p any) []byte { return strconv.AppendInt(dst, *p.(*int64), 10) }
	case *NetworkID:
		return func(dst []byte, p any) []byte { return appendID(dst, *p.(*NetworkID)) }
	case *SubnetID:
		return func(dst []byte, p any) []byte { return appendID(dst, *p.(*SubnetID)) }
	case *PortID:
		return func(dst []byte, p any) []byte { return appendID(dst, *p.(*PortID)) }
	case *RBACPolicyID:
		return func(dst []byte, p any) []byte { return appendID(dst, *p.(*RBACPolicyID)) }
	case *SubnetPoolID:
		return func(dst []byte, p any) []byte { return appendID(dst, *p.(*SubnetPoolID)) }
	case *AddressScopeID:
		return func(dst []byte, p any) []byte { return appendID(dst, *p.(*AddressScopeID)) }
	case *SecurityGroupID:
		return func(dst []byte, p any) []byte { return appendID(dst, *p.(*SecurityGroupID)) }
	case *SecurityGroupRuleID:
		return func(dst []byte, p any) []byte { return appendID(dst, *p.(*SecurityGroupRuleID)) }
	case *AddressGroupID:
		return func(dst []byte, p any) []byte { return appendID(dst, *p.(*AddressGroupID)) }
	case *RouterID:
		return func(dst []byte, p any) []byte { return appendID(dst, *p.(*RouterID)) }
	case *FloatingIPID:
		return func(dst []byte, p any) []byte { return appendID(dst, *p.(*FloatingIPID)) }
	case *PortForwardingID:
		return func(dst []byte, p any) []byte { return appendID(dst, *p.(*PortForwardingID)) }
	case *FlavorID:
		return func(dst []byte, p any) []byte { return appendID(dst, *p.(*FlavorID)) }
	case *ServiceProfileID:
		return func(dst []byte, p any) []byte { return appendID(dst, *p.(*ServiceProfileID)) }
	case *PortNumber:
		return func(dst []byte, p any) []byte { return appendPortNumber(dst, *p.(*PortNumber)) }
	case *PortRange:
		return func(dst []byte, p any) []byte { return appendPortRange(dst, *p.(*PortRange)) }
	case *Time:
		return func(dst []byte, p any) []byte { return appendTime(dst, *p.(*Time)) }
	case *mac.Addr:
		return func(dst []byte, p any) []byte { return appendMAC(dst, *p.(*mac.Addr)) }
	case *netip.Addr:
		return func(dst []byte, p any) []byte { return appendAddr(dst, *p.(*netip.Addr)) }
	case *netip.Prefix:
		return func(dst []byte, p any) []byte { return appendPrefix(dst, *p.(*netip.Prefix)) }
	case *[]FixedIP:
		return func(dst []byte, p any) []byte { return appendFixedIPs(dst, *p.(*[]FixedIP)) }
	case *[]DNSAssignment:
		return func(dst []byte, p any) []byte { return appendNames(dst, *p.(*[]DNSAssignment)) }
	case *[]string:
		return func(dst []byte, p any) []byte { return appendList(dst, *p.(*[]string), appendString) }
	case *[]SubnetID:
		return func(dst []byte, p any) []byte { return appendList(dst, *p.(*[]SubnetID), appendID) }
	case *[]SecurityGroupID:
		return func(dst []byte, p any) []byte { return appendList(dst, *p.(*[]SecurityGroupID), appendID) }
	case **string:
		return func(dst []byte, p any) []byte { return appendPointer(dst, *p.(**string), appendString) }
	case **int:
		return func(dst []byte, p any) []byte {
			return appendPointer(dst, *p.(**int), func(dst []byte, n int) []byte { return strconv.AppendInt(dst, int64(n), 10) })
		}
	case *json.RawMessage:
		return func(dst []byte, p any) []byte { return appendObject(dst, *p.(*json.RawMessage)) }
	}
	if t.Kind() == reflect.Slice {
		return appendSlice
	}
	return appendAny
}

// appendSlice writes a slice of any type that encoding/json knows; nil is [].
func appendSlice(dst []byte, p any) []byte {
	if reflect.ValueOf(p).Elem().Len() == 0 {
		return append(dst, "[]"...)
	}
	return appendAny(dst, p)
}

// appendList writes a slice by the function for its elements; nil is [].
func appendList[E any](dst []byte, list []E, element func([]byte, E) []byte) []byte {
	dst = append(dst, '[')
	for i, e := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = element(dst, e)
	}
	return append(dst, ']')
}

// appendPointer writes what p points to by the function for it; nil is null.
func appendPointer[E any](dst []byte, p *E, element func([]byte, E) []byte) []byte {
	if p == nil {
		return append(dst, "null"...)
	}
	return element(dst, *p)
}

func appendAny(dst []byte, p any) []byte {
	b, err := json.Marshal(p)
	if err != nil { // only a type that JSON has no form for, which the test of every definition would have met
		panic(err)
	}
	return append(dst, b...)
}

// escaped are the octets that encoding/json escapes, and those of letters beyond ASCII, which it looks at.
var escaped = func() (all [256]bool) {
	for c := range all {
		all[c] = c < ' ' || c >= 0x7f || strings.IndexByte(`"\<>&`, byte(c)) >= 0
	}
	return all
}()

// appendString writes s quoted. Names and identifiers are nearly always plain ASCII, which needs no escaping.
func appendString(dst []byte, s string) []byte {
	for i := range len(s) {
		if escaped[s[i]] {
			return appendAny(dst, s)
		}
	}
	dst = append(dst, '"')
	dst = append(dst, s...)
	return append(dst, '"')
}

func appendID[T any](dst []byte, i id.ID[T]) []byte {
	if i.IsZero() {
		return append(dst, "null"...)
	}
	return append(i.AppendTo(append(dst, '"')), '"')
}

func appendMAC(dst []byte, a mac.Addr) []byte {
	if a.IsZero() {
		return append(dst, "null"...)
	}
	return append(a.AppendTo(append(dst, '"')), '"')
}

func appendPortNumber(dst []byte, n PortNumber) []byte {
	if n == 0 {
		return append(dst, "null"...)
	}
	return strconv.AppendInt(dst, int64(n), 10)
}

func appendPortRange(dst []byte, r PortRange) []byte {
	if r.IsZero() {
		return append(dst, "null"...)
	}
	return appendString(dst, r.String())
}

func appendTime(dst []byte, t Time) []byte {
	if t.IsZero() {
		return append(dst, "null"...)
	}
	dst = append(dst, '"')
	dst = t.UTC().AppendFormat(dst, time.RFC3339) // which package time writes faster than the same without zones
	return append(dst, '"')
}

func appendAddr(dst []byte, a netip.Addr) []byte {
	if !a.IsValid() {
		return append(dst, "null"...)
	}
	dst = append(dst, '"')
	dst = a.AppendTo(dst)
	return append(dst, '"')
}

func appendPrefix(dst []byte, p netip.Prefix) []byte {
	if !p.IsValid() {
		return append(dst, "null"...)
	}
	dst = append(dst, '"')
	dst = p.AppendTo(dst)
	return append(dst, '"')
}

func appendFixedIPs(dst []byte, ips []FixedIP) []byte {
	dst = append(dst, '[')
	for i, ip := range ips {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"subnet_id":`...)
		dst = appendID(dst, ip.SubnetID)
		dst = append(dst, `,"ip_address":`...)
		dst = appendAddr(dst, ip.IPAddress)
		dst = append(dst, '}')
	}
	return append(dst, ']')
}

func appendNames(dst []byte, names []DNSAssignment) []byte {
	dst = append(dst, '[')
	for i, n := range names {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"ip_address":`...)
		dst = appendAddr(dst, n.IPAddress)
		dst = append(dst, `,"hostname":`...)
		dst = appendString(dst, n.Hostname)
		dst = append(dst, `,"fqdn":`...)
		dst = appendString(dst, n.FQDN)
		dst = append(dst, '}')
	}
	return append(dst, ']')
}

// appendObject writes a JSON object kept as it came; none is {}.
func appendObject(dst []byte, o json.RawMessage) []byte {
	if len(o) == 0 {
		return append(dst, "{}"...)
	}
	return append(dst, o...)
}
