package topology

import "net/netip"

// Where workloads reach the metadata service: EC2's address, and for IPv6 the one that Neutron chose (METADATA_V4_IP and
// METADATA_V6_IP of neutron_lib/constants.py).
var (
	MetadataIPv4 = netip.AddrFrom4([4]byte{169, 254, 169, 254})
	MetadataIPv6 = netip.AddrFrom16([16]byte{0: 0xfe, 1: 0x80, 12: 0xa9, 13: 0xfe, 14: 0xa9, 15: 0xfe})
)

// MetadataTCPPort is the one that is served.
const MetadataTCPPort = 80
