package store

import "slices"

// DeleteTasks removes tasks from the journal, whose rows are package journal's. It waits for no other's.
func DeleteTasks(tx *Tx, ids []int64) error {
	for part := range slices.Chunk(ids, atOnce[len(atOnce)-1]) {
		numbers := padded(part)
		if _, err := tx.Exec(tx.d.DeleteFrom("midonet_tasks")+` WHERE id IN (`+placeholders(len(numbers))+`)`, numbers...); err != nil {
			return err
		}
	}
	return nil
}
