package oslo

import "strings"

// nearest returns the known group/name that is most like the unknown one: the same name in another group, or few letters apart.
// Empty where none is.
func nearest(unknown string, known []string) string {
	group, name, _ := strings.Cut(unknown, "/")
	best, bestCost := "", len(name)/3+1
	for _, k := range known {
		g, n, _ := strings.Cut(k, "/")
		if n == "*" {
			continue
		}
		cost := 2 * distance(strings.ToLower(name), strings.ToLower(n))
		if !strings.EqualFold(g, group) {
			cost++
		}
		if cost <= bestCost && (best == "" || cost < bestCost) {
			best, bestCost = k, cost
		}
	}
	return best
}

// distance is Levenshtein's: the number of letters to insert, delete or replace.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
