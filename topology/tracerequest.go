package topology

import "midonet.org/midonet/id"

// TraceRequestID identifies a trace request.
type TraceRequestID = id.ID[TraceRequest]

// TraceRequest asks for a record of what becomes of packets that enter a device and meet a condition.
type TraceRequest struct {
	Made
	ID            TraceRequestID
	Name          string
	Device        Key // a bridge, router or port
	When          Condition
	CreatedMillis int64 // since 1970
	Limit         int64 // of packets
	Enabled       bool
}

// Key returns the request's key.
func (o *TraceRequest) Key() Key { return Key{KindTraceRequest, o.ID} }

// References implements Referrer.
func (o *TraceRequest) References() []Reference { return []Reference{{o.Device, GoesToo}} }

// Without implements Referrer.
func (o *TraceRequest) Without(Key) Object { return o }
