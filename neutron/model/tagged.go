package model

// Tagged is what resources that people may mark carry (extension standard-attr-tag).
type Tagged struct {
	Tags []string `attr:"tags"` // in the order of their octets
}
