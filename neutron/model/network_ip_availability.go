package model

import (
	"math/big"
	"net/netip"
)

// NetworkIPAvailability is how many addresses a network has for its ports, and how many they have taken (neutron-lib
// api/definitions/network_ip_availability.py). An IPv6 subnet has more of them than 64 bits count.
type NetworkIPAvailability struct {
	NetworkID   NetworkID              `attr:"network_id"`
	NetworkName string                 `attr:"network_name"`
	ProjectID   string                 `attr:"project_id"`
	TotalIPs    *big.Int               `attr:"total_ips"` // the sum of those of its subnets
	UsedIPs     int                    `attr:"used_ips"`  // likewise
	Subnets     []SubnetIPAvailability `attr:"subnet_ip_availability"`
}

// SubnetIPAvailability is the same for one subnet.
type SubnetIPAvailability struct {
	SubnetID   SubnetID     `json:"subnet_id"`
	SubnetName string       `json:"subnet_name"`
	IPVersion  int          `json:"ip_version"`
	CIDR       netip.Prefix `json:"cidr"`
	TotalIPs   *big.Int     `json:"total_ips"` // in its allocation pools; of the whole range where it has none
	UsedIPs    int          `json:"used_ips"`  // that ports have, in the pools or not
}
