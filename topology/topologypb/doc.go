// Package topologypb is the form in which package topology is stored and sent: protobuf messages, and conversion both ways.
//
// The .proto files are the source; `make generate` makes the .pb.go files, which are committed. Only this package and the code
// at the edges (the stores, the stream) know that the wire is protobuf.
package topologypb

//go:generate sh -c "protoc -I . --plugin=protoc-gen-go=$(go tool -n protoc-gen-go) --plugin=protoc-gen-go-grpc=$(go tool -n protoc-gen-go-grpc) --go_out=. --go_opt=paths=source_relative --go-grpc_out=. --go-grpc_opt=paths=source_relative topology.proto stream.proto"
