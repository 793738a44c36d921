package main

import (
	"log/slog"
	"os"
)

// logger writes text lines to standard error, where service managers look.
func logger(level string) *slog.Logger {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		panic(err) // kong checked the enumeration
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: l}))
}
