package session

import (
	"testing"

	"midonet.org/midonet/test/leaks"
)

func TestMain(m *testing.M) { leaks.Main(m) }
