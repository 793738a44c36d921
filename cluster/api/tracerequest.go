package api

import (
	"cmp"
	"math"
	"time"

	"midonet.org/midonet/cluster/nsdb/mirror"
	"midonet.org/midonet/topology"
)

// traceRequest is models/TraceRequest.java.
type traceRequest struct {
	entity[topology.TraceRequest]
	Name                *string            `json:"name"`
	DeviceType          *string            `json:"deviceType"`
	DeviceID            *topology.DeviceID `json:"deviceId"`
	Condition           *matching          `json:"condition"`
	CreationTimestampMs int64              `json:"creationTimestampMs"`
	Limit               *int64             `json:"limit"`
	Enabled             bool               `json:"enabled"`
}

// traceDevices are the names of what can be traced (TraceRequest.DeviceType).
var traceDevices = map[topology.Kind]string{topology.KindBridge: "BRIDGE", topology.KindPort: "PORT", topology.KindRouter: "ROUTER"}

var traceRequests = stored[*topology.TraceRequest, traceRequest]{
	kind: topology.KindTraceRequest, path: "/traces", media: "TraceRequest-v1", can: canList | canCreate | canUpdate,
	show: func(c *call, o *topology.TraceRequest) traceRequest {
		return traceRequest{entity: entity[topology.TraceRequest]{&o.ID, c.link("/traces", o.ID)}, Name: &o.Name, DeviceType: new(traceDevices[o.Device.Kind]),
			DeviceID: new(topology.DeviceID(o.Device.ID)), Condition: &matching{condition: showCondition(&o.When)}, CreationTimestampMs: o.CreatedMillis,
			Limit: &o.Limit, Enabled: o.Enabled}
	},
	read: func(_ *call, v *violations, d *traceRequest, have *topology.TraceRequest) (*topology.TraceRequest, error) {
		o := &topology.TraceRequest{ID: *d.ID, Name: required(v, "name", d.Name), Device: topology.Key{ID: required(v, "deviceId", d.DeviceID)},
			CreatedMillis: cmp.Or(d.CreationTimestampMs, time.Now().UnixMilli()), Limit: math.MaxInt64, Enabled: d.Enabled}
		v.size("name", o.Name, 0, maxName)
		if have != nil && d.CreationTimestampMs == 0 {
			o.CreatedMillis = have.CreatedMillis
		}
		if d.Limit != nil {
			o.Limit = *d.Limit
			v.add(o.Limit < 0, "limit", "must be greater than or equal to 0")
		}
		word := required(v, "deviceType", d.DeviceType)
		for kind, name := range traceDevices {
			if name == word {
				o.Device.Kind = kind
			}
		}
		v.add(o.Device.Kind == 0 && word != "", "deviceType", "Must be one of BRIDGE, PORT, ROUTER.")
		v.add(d.Condition == nil, "condition", "may not be null")
		if d.Condition == nil {
			return o, nil
		}
		var err error
		o.When, err = d.Condition.read(v)
		return o, err
	},
	has: func(c *call, o *topology.TraceRequest) bool {
		return !c.URL.Query().Has("tenant_id") || c.tenantOf(o.Device) == c.URL.Query().Get("tenant_id")
	},
}

// tenantOf returns whose a bridge or router is, and of a port whose its device is.
func (c *call) tenantOf(k topology.Key) string {
	switch o := c.state.Get(k).(type) {
	case *topology.Bridge:
		return o.ProjectID
	case *topology.Router:
		return o.ProjectID
	case *topology.Port:
		if b := mirror.Lookup[*topology.Bridge](c.state, topology.KindBridge, o.Bridge); b != nil {
			return b.ProjectID
		}
		if r := mirror.Lookup[*topology.Router](c.state, topology.KindRouter, o.Router); r != nil {
			return r.ProjectID
		}
	}
	return ""
}
