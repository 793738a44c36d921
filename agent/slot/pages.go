package slot

// Pages is numbered slots. They stay where they are: one slice of all would be copied whole when it grows, while packets wait. The zero
// Pages has none. It is not safe for use by several goroutines.
type Pages[T any] struct {
	pages [][]T
	len   uint32
	free  []uint32
}

// page is how many slots a page has.
const page = 1 << 10

// Len returns the number behind those of all slots that were ever taken.
func (p *Pages[T]) Len() uint32 { return p.len }

// At returns what is in a slot.
func (p *Pages[T]) At(slot uint32) *T { return &p.pages[slot/page][slot%page] }

// Reach returns what is in a slot of numbers that others give, zero where it was never looked at. Of such Pages none is taken or freed.
func (p *Pages[T]) Reach(slot uint32) *T {
	for slot >= p.len {
		p.pages = append(p.pages, make([]T, page))
		p.len += page
	}
	return p.At(slot)
}

// Take returns a slot that is not in use, and is zero.
func (p *Pages[T]) Take() (slot uint32) {
	if last := len(p.free) - 1; last >= 0 {
		slot, p.free = p.free[last], p.free[:last]
		return slot
	}
	if p.len%page == 0 {
		p.pages = append(p.pages, make([]T, page))
	}
	p.len++
	return p.len - 1
}

// Free clears a slot, which may then be taken again.
func (p *Pages[T]) Free(slot uint32) {
	var zero T
	*p.At(slot) = zero
	p.free = append(p.free, slot)
}
