package ebpf

// backlog is the misses that have been taken out of the ring and not yet been received: a queue for each interface that they came in
// by. Whoever receives takes one from each in turn (Nagle, RFC 970), so that a packet waits for one of each other port and not for
// all that a flood has piled up, however slowly the agent gets to run. State messages, which have no interface, come before all
// others: a packet behind one may be the answer that it tells of.
//
// A queue that is full loses its oldest packet: in a flood, what has waited longest is worth least. Word of a connection that has begun is
// no packet, and waits all the same: to lose it is to remove the connection's flows. Where all queues together are too long, the longest
// loses its oldest, whatever that is (McKenney, "Stochastic Fairness Queueing", 1990).
type backlog struct {
	perPort int // records in a queue at most, for another packet to be added
	limit   int // octets in all
	octets  int
	lost    int // packets, since it was last asked for
	waiting int // records
	states  *queue
	ports   map[uint32]*queue // by interface
	turns   []*queue          // of ports, whose turn is next first; one that is found empty then goes
}

// maxWaiting is how many misses of one port wait at most when they are out of the ring: what is served in some 20 ms, and no less than a
// port may make at once by default.
const maxWaiting = 1024

// queue is records, oldest first.
type queue struct {
	in      uint32 // interface
	records [][]byte
	octets  int
}

func newBacklog(perPort, limit int) *backlog {
	return &backlog{perPort: perPort, limit: limit, states: new(queue), ports: map[uint32]*queue{}}
}

// push adds a record that came in by the interface, 0 for a state message, and returns those that were dropped to make room.
func (b *backlog) push(in uint32, record []byte) (dropped [][]byte) {
	q := b.queueOf(in)
	if len(q.records) >= b.perPort && !isBirth(record) {
		dropped = append(dropped, b.drop(q))
	}
	q.records = append(q.records, record)
	q.octets += len(record)
	b.waiting++
	for b.octets += len(record); b.octets > b.limit; {
		dropped = append(dropped, b.drop(b.longest()))
	}
	return dropped
}

func (b *backlog) queueOf(in uint32) *queue {
	if in == 0 {
		return b.states
	}
	q, ok := b.ports[in]
	if !ok {
		q = &queue{in: in}
		b.ports[in] = q
		b.turns = append(b.turns, q)
	}
	return q
}

func (b *backlog) longest() *queue {
	longest := b.states
	for _, q := range b.turns {
		if q.octets > longest.octets {
			longest = q
		}
	}
	return longest
}

// pop takes the record whose turn it is; some wait.
func (b *backlog) pop() []byte {
	if len(b.states.records) > 0 {
		return b.take(b.states)
	}
	for {
		q := b.turns[0]
		b.turns = b.turns[1:]
		if len(q.records) > 0 {
			b.turns = append(b.turns, q)
			return b.take(q)
		}
		delete(b.ports, q.in)
	}
}

func (b *backlog) drop(q *queue) []byte {
	record := b.take(q)
	if !isBirth(record) {
		b.lost++
	}
	return record
}

func (b *backlog) take(q *queue) []byte {
	record := q.records[0]
	q.records = q.records[1:]
	q.octets -= len(record)
	b.octets -= len(record)
	b.waiting--
	return record
}
