package leaks

import (
	"testing"
	"time"
)

func TestGoroutinesMayEndLate(t *testing.T) {
	go time.Sleep(time.Second)
	if left := await(0); left == nil {
		t.Error("a goroutine that has not ended is not seen")
	}
	if left := await(patience); left != nil {
		t.Errorf("a goroutine that ends after a second: %v", left)
	}
}
