package topology

import "midonet.org/midonet/id"

// ConfigDocumentID names a ConfigDocument.
type ConfigDocumentID = id.ID[ConfigDocument]

// ConfigDocument is configuration that operators keep in the cluster (the original's mn-conf): that of one node, a template that nodes are given, or
// which template a node is given. What runs here is configured by files, and obeys none of it.
type ConfigDocument struct {
	Made
	ID    ConfigDocumentID
	Scope ConfigScope
	Name  string // of a template; of the other scopes, the node's identifier
	Text  string // JSON; of ConfigMapping the template's name
}

// ConfigScope is what a document is for.
type ConfigScope uint8

// The scopes.
const (
	ConfigNode     ConfigScope = 1
	ConfigTemplate ConfigScope = 2
	ConfigMapping  ConfigScope = 3
)

// NewConfigDocument returns a document with its derived identifier: one for each scope and name.
func NewConfigDocument(scope ConfigScope, name, text string) *ConfigDocument {
	return &ConfigDocument{ID: id.Derive[ConfigDocument](id.ID[ConfigDocument]{byte(scope)}, name), Scope: scope, Name: name, Text: text}
}

// Key returns the key of the document.
func (o *ConfigDocument) Key() Key { return Key{KindConfigDocument, o.ID} }
