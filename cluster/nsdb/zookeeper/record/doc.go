// Package record is the protobuf form of what package zookeeper keeps in its nodes.
//
// record.proto is the source; `make generate` makes record.pb.go, which is committed.
package record

//go:generate sh -c "protoc -I . --plugin=protoc-gen-go=$(go tool -n protoc-gen-go) --go_out=. --go_opt=paths=source_relative record.proto"
