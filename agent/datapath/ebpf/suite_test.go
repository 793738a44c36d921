package ebpf

import (
	"testing"

	"midonet.org/midonet/agent/datapath/datapathtest"
)

func TestSuite(t *testing.T) { datapathtest.Run(t, newHarness) }
