package run

import "testing"

// TestWhatNoProjectOwns: everyone may look where the rules let them, and no one changes anything.
func TestWhatNoProjectOwns(t *testing.T) {
	w := newWorld(t)
	for _, collection := range unowned {
		def := w.definition(collection)
		for _, project := range []string{"blue", "admin"} {
			if status, answer := w.do(project, "GET", collection, ""); status != 200 || answer[def.Collection] == nil {
				t.Errorf("%s lists the %s: %d %v", project, collection, status, answer)
			}
			for target, body := range map[string]string{"POST": `{"` + def.Name + `":{}}`, "PUT": `{"` + def.Name + `":{}}`, "DELETE": ""} {
				path := collection
				if target != "POST" {
					path += "/none"
				}
				if status, answer := w.do(project, target, path, body); status < 400 || status >= 500 {
					t.Errorf("%s: %s %s: %d %v", project, target, path, status, answer)
				}
			}
		}
	}
}
