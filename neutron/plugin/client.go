package plugin

import "context"

// clientKey is the key of contexts.
type clientKey struct{}

// ForClient returns a context for what a client of the Networking API asks: store.DB.Tx refuses its transactions while the data is
// read-only. What the server does of itself, such as removing tasks that have been applied, goes on.
func ForClient(ctx context.Context) context.Context {
	return context.WithValue(ctx, clientKey{}, true)
}

// IsForClient reports whether the context is for what a client asks.
func IsForClient(ctx context.Context) bool {
	is, _ := ctx.Value(clientKey{}).(bool)
	return is
}
