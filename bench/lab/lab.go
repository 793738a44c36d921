// Package lab is what the benchmarks of whole servers have in common: `midonet server` as a process, the engines that it is pointed at, a client of
// its API, and a cloud of many ports. Everything listens on loopback or on Unix sockets, has its files in a directory of the benchmark's, and is
// ended by it.
package lab

import (
	"fmt"
	"net"
	"strconv"
	"strings"
)

// NoQuotas lets one project have as much as a benchmark makes; it is a part of neutron.conf.
const NoQuotas = `[quotas]
quota_network = -1
quota_subnet = -1
quota_port = -1
quota_router = -1
quota_floatingip = -1
quota_security_group = -1
quota_security_group_rule = -1
`

// FreeAddress returns a TCP address of loopback on which nothing listens.
func FreeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// Sizes reads numbers with commas between them, as a flag has them.
func Sizes(list string) (sizes []int, err error) {
	for _, text := range strings.Split(list, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("%q is not a number of ports", text)
		}
		sizes = append(sizes, n)
	}
	return sizes, nil
}
