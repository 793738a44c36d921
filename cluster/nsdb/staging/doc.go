// Package staging makes a change of any size one step of a store whose engine takes only small ones.
//
// # How
//
// The objects of the kinds StagedPart and StagedChange are this package's own. A large change goes through four stages, each made of
// ordinary Updates of the engine:
//
//  1. claim: an object with the role StagedClaim names the change and how many parts it will have. There is one such object, so that
//     one change is prepared at a time.
//  2. stage: the parts, which hold the puts and deletes, are written beside everything else. Each of these steps reads the claim.
//  3. make: one small step runs the change's Guard, takes the claim away, and names the change in the object with the role StagedMade.
//     This is the moment at which the change happens.
//  4. complete: part by part, one step writes what the part holds and deletes the part. When all are gone, StagedMade names nothing.
//
// Readers see none of this. A View that finds a change made lays the parts that are left over what it read. A Watch keeps back the
// parts, delivers all of them with the step that makes the change, and then shows nothing of the steps that complete it: those are the
// ones that delete parts, so that a Watch need not know how it was when it began. Hidden steps are delivered empty; they still count.
//
// # Why nothing is lost
//
// Every Update reads StagedMade, so that none is concurrent with the making of a change without one of them being run again. While a
// change is made and not complete, an Update reads what is staged for a key in place of what is stored, and one that writes such a key
// completes the change first, whoever made it. So the parts that are left are, at every moment, the last word on their keys, and to
// complete the change early, late, twice at the same time or after a crash comes to the same. Updates of other keys (what hosts report,
// bindings) do not wait for it.
//
// What a change puts and deletes is not read when it is made. It may therefore be anything that no one else writes without changing
// what the Guard reads. The importer's objects are that: whoever writes them writes the Progress too, which every Guard of an importer
// compares. Bindings are written by hosts at any time; an importer deletes those of ports that go, and a host that binds such a port
// meanwhile is overtaken as it would be by the deletion of the port a moment later. What leases hold goes without an Update when the
// lease ends, and so cannot be part of a large change.
//
// # Crashes
//
// Whoever dies before the making leaves a claim and parts that nobody sees. Who wants to make a large change next waits until the claim
// has not moved for two seconds, marks it as given up (from then on the steps of its owner, should he be alive, fail with ErrSuperseded),
// and deletes the parts. Whoever dies after the making leaves parts that count; who meets them completes the change.
package staging
