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
	return loggerAt(l)
}

func loggerAt(level slog.Leveler) *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
}

// serverLogFlag is how much a server logs.
type serverLogFlag struct {
	LogLevel string `default:"" enum:",debug,info,warn,error" placeholder:"LEVEL" help:"Least severe level that is logged: debug, info, warn, error; default: info, or debug where the configuration has [DEFAULT] debug = true."`
}

// open returns the logger and what raises its level, nil where the flag has said which it is.
func (f serverLogFlag) open() (*slog.Logger, *slog.LevelVar) {
	if f.LogLevel != "" {
		return logger(f.LogLevel), nil
	}
	level := new(slog.LevelVar)
	return loggerAt(level), level
}
