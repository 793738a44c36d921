package topology

// Revocation takes a host's certificates back: the cluster refuses those that were issued to it up to that second. It outlives the host,
// since a certificate does; a host that joins again gets a later one.
type Revocation struct {
	Host HostID
	Unix int64 // seconds
}

// Key returns the key of the revocation, which is the host's: the last one says all.
func (o *Revocation) Key() Key { return Key{KindRevocation, o.Host} }
