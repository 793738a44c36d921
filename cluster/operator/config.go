package operator

import "midonet.org/midonet/topology"

// PutConfig makes the text of a document what change makes of the one that it has, "" where there is none yet. What becomes "" goes.
func (e *Edit) PutConfig(scope topology.ConfigScope, name string, change func(have string) (string, error)) error {
	want := topology.NewConfigDocument(scope, name, "")
	want.Made = topology.Operators
	have, err := get[*topology.ConfigDocument](e, topology.KindConfigDocument, want.ID)
	if err != nil {
		return err
	}
	text := ""
	if have != nil {
		text = have.Text
	}
	if want.Text, err = change(text); err != nil {
		return err
	}
	switch {
	case want.Text == "":
		e.tx.Delete(want.Key())
	case want.Text != text:
		e.tx.Put(want)
	}
	return nil
}
