package flow

// Keys gives each flow that is known a small number, which is not 0, for as long as it is: so what there is to know of it is found by its key
// once. It is not safe for use by several goroutines.
type Keys struct{ flows interned[PackedKey] }

// NewKeys returns Keys without flows.
func NewKeys() *Keys {
	k := &Keys{interned[PackedKey]{hash: PackedKey.Hash}}
	k.flows.used.Take()
	return k
}

// Len returns how many flows have a number.
func (k *Keys) Len() int { return k.flows.slots.Len() }

// Find returns the flow's number, where it has one.
func (k *Keys) Find(key Key) (flow uint32, ok bool) { return k.flows.find(key.Pack()) }

// Number returns the flow's number, and whether it is a new one, since it had none.
func (k *Keys) Number(key Key) (flow uint32, added bool) { return k.flows.slot(key.Pack()) }

// Free takes the number from its flow, whose key it returns.
func (k *Keys) Free(flow uint32) Key {
	key := k.flows.at(flow).value.Key()
	k.flows.release(flow)
	return key
}
