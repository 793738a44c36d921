package main

import (
	"fmt"
	"time"
)

const (
	bridgeNamespace = "mnb-wakebr"
	bridgeAddress   = "10.78.0.1"
)

// bridge is a Linux bridge in a namespace of its own, which answers pings itself.
type bridge struct{}

func startBridge() (*bridge, error) {
	err := commands(
		"ip netns add "+bridgeNamespace,
		fmt.Sprintf("ip -n %s link add br0 type bridge", bridgeNamespace),
		fmt.Sprintf("ip -n %s address add %s/16 dev br0", bridgeNamespace, bridgeAddress),
		fmt.Sprintf("ip -n %s link set dev br0 up", bridgeNamespace),
	)
	if err != nil {
		(&bridge{}).stop()
		return nil, err
	}
	return &bridge{}, nil
}

func (b *bridge) stop() { _ = commands("ip netns delete " + bridgeNamespace) }

// wake plugs a station into the bridge.
func (b *bridge) wake(round int) (time.Duration, error) {
	s, err := newStation(round, fmt.Sprintf("10.78.1.%d", round+1), bridgeAddress)
	if err != nil {
		return 0, err
	}
	defer s.remove()
	if err := s.moveOuterTo(bridgeNamespace); err != nil {
		return 0, err
	}
	began := time.Now()
	if err := commands(fmt.Sprintf("ip -n %s link set dev %s master br0", bridgeNamespace, s.outer)); err != nil {
		return 0, err
	}
	err = s.awaitPing()
	return time.Since(began), err
}
