package reference

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// conversation is a message that has arrived, and what is to be sent back.
type conversation struct {
	from, to   int
	is, answer message
	memory     memory
}

// TestConversationsGoOnAsTheModelSays changes clouds while their machines talk: who is in groups, what rules say, what is switched off, on
// which host a machine is. After each change what has begun goes on as far as the cloud lets it now, in both directions, and answers by what
// their host was told; what begins then is treated like in a cloud that was never another. Flows that were there before and that the change
// has not touched say what is true now.
func TestConversationsGoOnAsTheModelSays(t *testing.T) {
	putToTheTest(t, []string{"goes on", "is answered, " + moves, "is answered, " + reroutes, "is answered, " + takes, "is answered, " + switches,
		"is answered, " + joins, "is answered, " + rules}, func(t *rapid.T, seen map[string]int) {
		w := anyWorld(t)
		l := newLab(t, w)
		defer l.close()
		n := uint16(0)
		var open []conversation
		for range 4 {
			for range 12 {
				n++
				if c, ok := l.begins(t, n); ok {
					open = append(open, c)
				}
			}
			changed, kind := l.world.changed(t)
			l.follow(changed)
			if kind == translates {
				open = nil // what is translated in another way from now on begins anew
			}
			var left []conversation
			for _, c := range open {
				went, answered, over := l.goesOn(&c)
				if went {
					seen["goes on"]++
				}
				if answered {
					seen["is answered, "+kind]++
				}
				if !over {
					left = append(left, c)
				}
			}
			open = left
		}
	})
}

// begins has a machine send the n-th message, and returns what comes of it if it arrives.
func (l *lab) begins(t *rapid.T, n uint16) (conversation, bool) {
	from, p := l.world.anyMessage(t, n)
	c := conversation{from: from, is: p}
	p.fragments = false
	to, got := l.exchange(from, p, &c.memory)
	if to == nobody || to == from {
		return c, false
	}
	c.to, c.is, c.answer = to, p, got.reversed()
	return c, true
}

// goesOn has both sides of a conversation speak again: first the one that began. It is over where that one does not get through any more
// and nobody knows that the other one's are answers, or where an answer was let through as something that begins: whose answers pass from
// then on depends on who speaks first.
func (l *lab) goesOn(c *conversation) (went, answered, over bool) {
	went = l.says(c, c.from, &c.is)
	if !went && !c.memory.tracked {
		return false, false, true
	}
	answered = l.says(c, c.to, &c.answer)
	return went, answered, c.memory.turned
}

// says has one side of a conversation speak, and reports whether the other one hears it.
func (l *lab) says(c *conversation, from int, p *message) bool {
	if from == far {
		up := slices.IndexFunc(l.world.uplinks, func(u uplink) bool { return !u.down })
		if up < 0 {
			return false
		}
		p.by = up
	}
	m := c.memory
	to, _ := l.exchange(from, *p, &m)
	if to == nobody {
		return false
	}
	c.memory = m
	return true
}

// The kinds of change.
const (
	joins      = "a machine is in other groups"
	rules      = "rules and address groups change"
	switches   = "something is switched on or off"
	moves      = "a machine is on another host"
	reroutes   = "an uplink is on another host"
	takes      = "another machine has the virtual address"
	translates = "addresses are translated in another way"
)

// changed draws a cloud that differs in one thing, and says in what kind.
func (w *world) changed(t *rapid.T) (*world, string) {
	c := w.clone()
	m := rapid.IntRange(1, len(c.machines)-1).Draw(t, "machine")
	x := &c.machines[m]
	switch kind := rapid.SampledFrom([]string{joins, rules, switches, moves, moves, reroutes, takes, takes, translates, translates}).Draw(t, "change"); kind {
	case joins:
		if g := rapid.IntRange(0, len(c.groups)-1).Draw(t, "group"); slices.Contains(x.groups, g) {
			x.groups = slices.DeleteFunc(x.groups, func(other int) bool { return other == g })
		} else {
			x.groups = append(x.groups, g)
		}
		return c, kind
	case rules:
		g := &c.groups[rapid.IntRange(0, len(c.groups)-1).Draw(t, "group")]
		switch rapid.IntRange(0, 2).Draw(t, "which") {
		case 0:
			g.rules = append(g.rules, c.anyRule(t))
		case 1:
			if len(g.rules) > 0 {
				g.rules = g.rules[1:]
			}
		case 2:
			c.sets[rapid.IntRange(0, len(c.sets)-1).Draw(t, "address group")] = c.anySet(t)
		}
		return c, kind
	case switches:
		r := &c.routers[rapid.IntRange(0, len(c.routers)-2).Draw(t, "router")]
		switch rapid.IntRange(0, 4).Draw(t, "what") {
		case 0:
			c.networks[x.network].off = !c.networks[x.network].off
		case 1:
			x.off = !x.off
		case 2:
			r.off = !r.off
		case 3:
			if k := x.network; r.isOff(k) {
				r.offOn = slices.DeleteFunc(r.offOn, func(other int) bool { return other == k })
			} else {
				r.offOn = append(r.offOn, k)
			}
		case 4:
			if len(c.uplinks) > 0 {
				u := &c.uplinks[rapid.IntRange(0, len(c.uplinks)-1).Draw(t, "uplink")]
				u.down = !u.down
			}
		}
		return c, kind
	case moves:
		x.host = (x.host + rapid.IntRange(1, 2).Draw(t, "host")) % 3
		return c, kind
	case reroutes:
		if len(c.uplinks) > 0 {
			u := &c.uplinks[rapid.IntRange(0, len(c.uplinks)-1).Draw(t, "uplink")]
			u.host = (u.host + rapid.IntRange(1, 2).Draw(t, "host")) % 3
		}
		return c, kind
	case takes:
		if len(c.virtual.could) > 0 {
			c.virtual.holder = rapid.SampledFrom(append(slices.Clone(c.virtual.could), nobody)).Draw(t, "holder")
		}
		return c, kind
	default:
		c.translatesAnew(t)
		return c, kind
	}
}

// translatesAnew changes what addresses stand for.
func (c *world) translatesAnew(t *rapid.T) {
	one := func(of string, n int) int { return rapid.IntRange(0, n-1).Draw(t, of) }
	switch rapid.SampledFrom([]string{"floating", "forwarding", "other port", "source"}).Draw(t, "translation") {
	case "floating":
		if len(c.floating) > 0 {
			c.floating = slices.Delete(c.floating, 0, 1)
			return
		}
		c.addFloating(t)
	case "forwarding":
		if len(c.forwardings) > 0 {
			c.forwardings = slices.Delete(c.forwardings, 0, 1)
			return
		}
		c.addFloating(t)
	case "other port":
		if len(c.forwardings) > 0 {
			f := &c.forwardings[one("forwarding", len(c.forwardings))]
			f.port, f.to = 8080+8081-f.port, 80+81-f.to
		}
	case "source":
		r := &c.routers[one("router", len(c.routers)-1)]
		r.snat = !r.snat
	}
}

// clone returns a copy of which everything may be changed that changed changes.
func (w *world) clone() *world {
	c := *w
	c.networks, c.routers, c.machines, c.groups = slices.Clone(w.networks), slices.Clone(w.routers), slices.Clone(w.machines), slices.Clone(w.groups)
	c.sets, c.uplinks = slices.Clone(w.sets), slices.Clone(w.uplinks)
	c.floating, c.forwardings = slices.Clone(w.floating), slices.Clone(w.forwardings)
	for r := range c.routers {
		c.routers[r].offOn = slices.Clone(c.routers[r].offOn)
	}
	for m := range c.machines {
		c.machines[m].groups = slices.Clone(c.machines[m].groups)
	}
	for g := range c.groups {
		c.groups[g].rules = slices.Clone(c.groups[g].rules)
	}
	return &c
}
