package api

import (
	"log/slog"
	"net/http"
	"time"
)

// Bounds of a connection: a client that is slow or silent does not hold it for ever. The answer's time includes the plugin's work.
const (
	headerTime = 10 * time.Second
	bodyTime   = time.Minute
	answerTime = 5 * time.Minute
	idleTime   = 2 * time.Minute
	maxHeader  = 16 << 10 // octets; max_header_line of neutron-server
)

// HTTPServer returns a server for the handler with every bound set. The caller listens and shuts it down.
func HTTPServer(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerTime,
		ReadTimeout:       bodyTime,
		WriteTimeout:      answerTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}
