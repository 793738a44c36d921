// Package rest is the backend that drives a MidoNet elsewhere through its REST API, as the original's plugin does with
// midonet.neutron.client.api.MidonetApiClient: each change is made there while the client of the Networking API waits, and what
// MidoNet refuses is refused to the client, with MidoNet's code.
//
// The contract. A request commits its rows and its tasks in one transaction (package journal), then waits (Confirm). Of the servers on one
// database one applies the journal (store.DB.Alone): one task after the other, in order of number, so that MidoNet hears of each
// resource's changes in order, and of nothing before what it refers to. A task is one request (CallOf), the same that
// networking-midonet sends through python-midonetclient. What becomes of it is in the database, where the server that waits finds it,
// whichever it is:
//
//   - done: the task is removed from the journal;
//   - refused: it is removed, and the reason kept until the request has taken back what it did (ml2/confirm.go). The tasks behind it that
//     make or change something for the same request are refused with it, unsent;
//   - MidoNet is away, or says that it is (502, 503, 504): the task is sent again until it is answered. Requests wait until MidoNet has
//     been away for RetryTime; where it is merely slow, or another server is about to take over the journal, RequestTimeout longer. Then
//     those that have not begun are refused, and those that have withdraw their tasks and take back what they did; the answer is 503.
//     Their deletions stay in the journal, since what they delete is gone from Neutron. A task that fails by itself, while MidoNet
//     answers others, is refused after taskAttempts.
//
// A server that is killed leaves its tasks in the journal; the next one applies them, and takes back what is refused then.
//
// Sending again changes nothing twice. A PUT carries the whole resource. A DELETE of what is gone is done (404). A POST of what is there is
// answered 409: then the resource that MidoNet has is looked at, and if it is the one that the task makes, the task is done. For a
// router's interface, which has no resource of its own to look at, MidoNet's "already exists" is taken for that. What cannot be excluded
// is that MidoNet makes a change, of which it told nothing within RequestTimeout, after later ones.
//
// What MidoNet's release lacks is refused before anything is written (Admit, Needs), by the releases that networking-midonet's
// documentation names. Every MidoNet 5 calls itself 5.0.0, so the release is what its documents list (releaseOf).
//
// Files: call.go, release.go, feature.go and judge.go are pure; client.go speaks HTTP; backend.go applies the journal, and confirm.go
// waits for it.
package rest
