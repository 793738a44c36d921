package ml2

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/store"
)

// A change that waits for its backend (journal.Backend). Where that refuses it, the rules are those of ML2's postcommit hooks, of
// midonet/neutron/ml2/sg_callback.py, and of the plugins of routers and of older releases (services/l3/l3_midonet.py, plugin_v2.py):
// what was created is deleted again, a port, router or floating address that was changed has the status ERROR until a change of it
// succeeds, other changes and deletions stay, and the client is answered with the backend's code.

// confirm waits until the backend has the tasks of a request, and takes back what it refuses. It goes on when the client has gone.
func (p *Plugin) confirm(ctx context.Context, tasks []journal.Task) error {
	ctx = context.WithoutCancel(ctx)
	faults, err := p.backend.Confirm(ctx, tasks)
	if err != nil || len(faults) == 0 {
		return err
	}
	if err := p.takeBack(tasks, faults); err != nil { // whoever applies the journal does so later
		p.log.ErrorContext(ctx, "what the backend refused could not be taken back yet", "task", faults[0].Task.ID, "error", err)
	} else if err := p.journal.Forget(ctx, tasks); err != nil {
		p.log.ErrorContext(ctx, "the tasks that the backend refused", "error", err)
	}
	return faultToClient(faults)
}

// TakeBack does what a server that is gone would have done about the faults of its requests.
func (p *Plugin) TakeBack(ctx context.Context, faults []journal.Fault) error {
	tasks := make([]journal.Task, len(faults))
	for i, f := range faults {
		tasks[i] = f.Task
	}
	if err := p.takeBack(tasks, faults); err != nil {
		return err
	}
	return p.journal.Forget(ctx, tasks)
}

// takeBack removes what a request has created, the newest first, and marks those of its changes that were refused. Where it was a change
// that was refused first, such as that of a router which has got a new gateway port, what was created and not refused stays too.
func (p *Plugin) takeBack(tasks []journal.Task, faults []journal.Fault) error {
	all := faults[0].Task.Type == journal.Create
	var problems []error
	for _, t := range slices.Backward(tasks) {
		refused := slices.ContainsFunc(faults, func(f journal.Fault) bool { return f.Task.ID == t.ID })
		if t.Type == journal.Delete || !refused && !(all && t.Type == journal.Create) {
			continue
		}
		if err := p.takeBackOne(t); err != nil && !errs.Is(err, errs.NotFound) {
			p.log.Error("the backend refused a change that cannot be taken back", "task", t.ID, "type", t.Type, "of", t.DataType,
				"resource", t.ResourceID, "error", err)
			if !errs.Is(err, errs.Conflict) { // others use it already
				problems = append(problems, err)
			}
		}
	}
	return errors.Join(problems...)
}

// takeBackOne is a transaction of the server's own, of no request, whether clients may write or not.
func (p *Plugin) takeBackOne(t journal.Task) error {
	_, err := p.commit(context.Background(), &auth.Caller{Admin: true}, func(r *request) error {
		r.byService = true
		switch {
		case t.Type == journal.Create:
			return r.removeCreated(t)
		case t.DataType == journal.Port:
			_, err := store.SetPortStatus(r.tx, t.ResourceID, model.StatusError, r.now)
			return err
		}
		return r.tell(func(s Service) error { return s.TakeBack(&Session{r}, t) })
	})
	return err
}

func (r *request) removeCreated(t journal.Task) error {
	switch t.DataType {
	case journal.Network:
		return r.deleteNetwork(t.ResourceID)
	case journal.Subnet:
		return r.deleteSubnet(t.ResourceID)
	case journal.Port:
		port, err := r.changeablePort(t.ResourceID)
		if err != nil {
			return err
		}
		return r.removePort(port)
	case journal.SecurityGroup:
		return r.deleteSecurityGroup(t.ResourceID)
	case journal.SecurityGroupRule:
		return r.deleteRule(t.ResourceID)
	}
	return r.tell(func(s Service) error { return s.TakeBack(&Session{r}, t) })
}

// backendKinds are the backend's codes that Neutron has a kind of failure for. Whatever else it answers is an internal error: its own, or
// ours in what we sent. That it does not let this server in (401, 403) is no fault of the client's either.
var backendKinds = map[int]errs.Kind{
	http.StatusBadRequest:            errs.Invalid,
	http.StatusNotFound:              errs.NotFound,
	http.StatusConflict:              errs.Conflict,
	http.StatusRequestEntityTooLarge: errs.TooLarge,
	http.StatusNotImplemented:        errs.Unsupported,
	http.StatusServiceUnavailable:    errs.Unavailable,
}

// webobNames are the exceptions of python-midonetclient for the codes, which Neutron passes on by their names.
var webobNames = map[errs.Kind]string{
	errs.Invalid:     "HTTPBadRequest",
	errs.NotFound:    "HTTPNotFound",
	errs.Conflict:    "HTTPConflict",
	errs.TooLarge:    "HTTPRequestEntityTooLarge",
	errs.Unsupported: "HTTPNotImplemented",
	errs.Unavailable: "HTTPServiceUnavailable",
}

// faultToClient is what the client is told: the first fault. That a security group could not be deleted is for the log alone
// (sg_callback.py).
func faultToClient(faults []journal.Fault) error {
	i := slices.IndexFunc(faults, func(f journal.Fault) bool {
		return f.Task.Type != journal.Delete || f.Task.DataType != journal.SecurityGroup
	})
	if i < 0 {
		return nil
	}
	kind, known := backendKinds[faults[i].Status]
	if !known {
		return errs.New(errs.Internal, "HTTPInternalServerError", "MidoNet answered %d: %s", faults[i].Status, faults[i].Message)
	}
	return errs.New(kind, webobNames[kind], "%s", faults[i].Message)
}
