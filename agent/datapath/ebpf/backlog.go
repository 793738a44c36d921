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
	in      uint32   // interface
	records [][]byte // those before first have been taken
	first   int
	octets  int
}

func (q *queue) len() int { return len(q.records) - q.first }

// add adds a record. The room of those that have been taken is used again where it is half of all.
func (q *queue) add(record []byte) {
	if len(q.records) == cap(q.records) && q.first > len(q.records)/2 {
		n := copy(q.records, q.records[q.first:])
		clear(q.records[n:])
		q.records, q.first = q.records[:n], 0
	}
	q.records = append(q.records, record)
	q.octets += len(record)
}

// take takes the oldest record; there is one.
func (q *queue) take() []byte {
	record := q.records[q.first]
	q.records[q.first] = nil // it may be large
	if q.first++; q.first == len(q.records) {
		q.records, q.first = q.records[:0], 0
	}
	q.octets -= len(record)
	return record
}

func newBacklog(perPort, limit int) *backlog {
	return &backlog{perPort: perPort, limit: limit, states: new(queue), ports: map[uint32]*queue{}}
}

// push adds a record that came in by the interface, 0 for a state message, and returns those that were dropped to make room.
func (b *backlog) push(in uint32, record []byte) (dropped [][]byte) {
	q := b.queueOf(in)
	if q.len() >= b.perPort && !isBirth(record) {
		dropped = append(dropped, b.drop(q))
	}
	q.add(record)
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
	if b.states.len() > 0 {
		return b.take(b.states)
	}
	for {
		q := b.turns[0]
		b.turns = b.turns[1:]
		if q.len() > 0 {
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
	record := q.take()
	b.octets -= len(record)
	b.waiting--
	return record
}
