// Package pki makes the certificates with which hosts and the cluster know each other, so that an operator need not.
//
// An Authority lives in one directory of the server's state. It signs the server's certificate, which it renews by itself, and
// one certificate for each host, whose common name is the host's UUID. A new host proves by a join token that it may have one.
// The token also carries the hash of the authority's certificate, so that the host knows whom it talks to before it trusts anyone.
//
// What the holder of a token can do: join any host that is not alive at that moment, one that joined before included (a machine
// that was installed anew keeps its identity that way). So a token is a secret, lives a day, and can be made for one use.
//
// Several servers of one cloud share one authority: copy the directory. All files are replaced whole and hold secrets (mode 0600).
package pki
