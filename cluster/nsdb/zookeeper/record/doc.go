// Package record is the protobuf form of what package zookeeper keeps in its nodes.
//
// zookeeper_record.proto is the source; `make generate` makes zookeeper_record.pb.go, which is committed. The file's name must be the
// only one of its kind in the program, for protobuf's registry; etcd has a record.proto.
package record

//go:generate sh -c "protoc -I . --plugin=protoc-gen-go=$(go tool -n protoc-gen-go) --go_out=. --go_opt=paths=source_relative zookeeper_record.proto"
