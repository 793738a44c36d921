package topologypb

import (
	"context"
	"errors"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"midonet.org/midonet/errs"
)

// codeOf is how each kind of failure travels. Every code here stands for one kind, so that KindOf is the same at both ends.
var codeOf = map[errs.Kind]codes.Code{
	errs.Internal: codes.Internal, errs.Invalid: codes.InvalidArgument, errs.Unauthorized: codes.Unauthenticated,
	errs.Forbidden: codes.PermissionDenied, errs.NotFound: codes.NotFound, errs.Conflict: codes.AlreadyExists,
	errs.TooLarge: codes.ResourceExhausted, errs.Unavailable: codes.Unavailable,
	errs.Precondition: codes.FailedPrecondition, errs.Unsupported: codes.Unimplemented,
}

// ToStatus returns err as a gRPC status. What a caller should not see (an error without a kind) becomes the text "internal error".
func ToStatus(err error) error {
	var e *errs.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled):
		return status.Error(codes.Canceled, "cancelled")
	case errors.Is(err, context.DeadlineExceeded):
		return status.Error(codes.DeadlineExceeded, "the time ran out")
	case errors.As(err, &e) && e.Kind != errs.Internal:
		return status.Error(codeOf[e.Kind], e.Message)
	}
	return status.Error(codes.Internal, "internal error")
}

// FromStatus returns the error that ToStatus made into a status, with its kind and message. A deadline that passed is
// Unavailable: the request may be repeated.
func FromStatus(err error) error {
	s, ok := status.FromError(err)
	if err == nil || !ok {
		return err
	}
	if s.Code() == codes.DeadlineExceeded {
		return errs.New(errs.Unavailable, "ClusterUnavailable", "the cluster did not answer in time").Wrap(err)
	}
	for kind, code := range codeOf {
		if code == s.Code() && kind != errs.Internal {
			return errs.New(kind, "ClusterRefused", "%s", s.Message())
		}
	}
	return err
}
