package store

import "midonet.org/midonet/errs"

// ErrReadOnly refuses a client's transaction while the data is read-only (data_sync.rst of the original: 503 for POST, PUT and DELETE).
var ErrReadOnly error = errs.New(errs.Unavailable, "ServiceUnavailable",
	"The Networking API is read-only for maintenance. Reads are answered; writes are refused until it is made writable again.")

// gated returns fn for a transaction that is refused while the data is read-only. Where transactions run side by side it keeps the row as
// it is until its end, so that SetReadOnly waits for it: no write ends after the data has been made read-only. project is the one that something
// is made for (see Making); nil: none.
func gated(project *string, fn func(*Tx) error) func(*Tx) error {
	return func(tx *Tx) error {
		readOnly, err := tx.enter(project)
		switch {
		case err != nil:
			return err
		case readOnly:
			return ErrReadOnly
		}
		return fn(tx)
	}
}

// SetReadOnly closes the gate to clients' transactions, on every server of the database, or opens it again. It waits for those that have
// begun, and is in force with the commit.
func SetReadOnly(tx *Tx, readOnly bool) error {
	if _, err := tx.Exec(`UPDATE midonet_gate SET readonly = ? WHERE id = 1`, readOnly); err != nil {
		return err
	}
	_, err := tx.Exec(`UPDATE midonet_data_state SET readonly = ? WHERE id = 1`, readOnly)
	return err
}
