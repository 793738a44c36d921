package api

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"midonet.org/midonet/cluster/conf"
	"midonet.org/midonet/topology"
)

// getConf returns what a document says.
func (f *fixture) getConf(path string) conf.Config {
	f.Helper()
	got := f.get(path, "text/plain").want(http.StatusOK)
	if got.Header.Get("Content-Type") != "text/plain" {
		f.Errorf("%s is answered as %s", path, got.Header.Get("Content-Type"))
	}
	c, err := conf.Parse(string(got.body))
	if err != nil {
		f.Fatalf("%s: %v in\n%s", path, err, got.body)
	}
	return c
}

func (f *fixture) postConf(path, text string) *response {
	f.Helper()
	return f.do(http.MethodPost, path, header{"Content-Type": "text/plain; charset=UTF-8"}, text)
}

func (f *fixture) wantConf(path, text string) {
	f.Helper()
	want, err := conf.Parse(text)
	if err != nil {
		f.Fatal(err)
	}
	if diff := cmp.Diff(want, f.getConf(path)); diff != "" {
		f.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// TestConfigurationOfNodesAndTemplates does with each what the original's ConfResourceTest does.
func TestConfigurationOfNodesAndTemplates(t *testing.T) {
	f := newFixture(t)
	for _, path := range []string{"/conf/templates/new_template", "/conf/nodes/" + net1} {
		f.wantConf(path, "")
		f.postConf(path, "").want(http.StatusOK)
		f.postConf(path, "\nfoo.bar : 100ms\nanother.option : \"string value\"\nand.yet.another : 42\n").want(http.StatusOK)
		f.wantConf(path, `foo.bar = 100ms, another.option = "string value", and.yet.another = 42`)
		f.postConf(path, `{"foo": {"bar": 1, "baz": [true]}}`).want(http.StatusOK)
		f.wantConf(path, `foo { bar = 1, baz = [true] }, another.option = "string value", and.yet.another = 42`)
		f.postConf(path, "a = ${b}").wantError(400, "The configuration cannot be read: line 1: other keys cannot be referred to.")
		f.delete(path).want(http.StatusOK)
		f.delete(path).want(http.StatusOK)
		f.wantConf(path, "")
	}
	f.wantNothingLeft()
	if schema := f.getConf("/conf/schemas"); fmt.Sprint(schema["cluster"].(conf.Config)["schemaVersion"]) != "1" {
		t.Errorf("schema: %v", schema)
	}
	for _, path := range []string{"/conf/nodes/x", "/conf/runtime/x"} {
		f.get(path, "text/plain").want(404)
	}
	f.post("/conf/templates/t", mediaJSON, "{}").want(415)
	f.get("/conf/templates/t", mediaJSON).want(406)
	f.get("/conf/templates/t", "text/*").want(200)
}

func TestConfigurationThatANodeRunsWith(t *testing.T) {
	f := newFixture(t)
	schema := f.getConf("/conf/schemas")
	run := func(text string) {
		t.Helper()
		want, err := conf.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want.Over(schema), f.getConf("/conf/runtime/"+host1)); diff != "" {
			t.Errorf("what the node runs with (-want +got):\n%s", diff)
		}
	}
	run("")
	f.postConf("/conf/template-mappings/"+host1, host1+` : "the_template" `).want(200)
	f.wantConf("/conf/template-mappings", host1+` = the_template`)
	run("")
	f.postConf("/conf/templates/the_template", `the.name : "seven", agent.loggers.root = INFO`).want(200)
	f.postConf("/conf/templates/default", `the { name = "default", other = 1 }`).want(200)
	run(`the { name = seven, other = 1 }, agent.loggers.root = INFO`)
	f.postConf("/conf/nodes/"+host1, "agent.loggers.root = DEBUG").want(200)
	run(`the { name = seven, other = 1 }, agent.loggers.root = DEBUG`)
	if got := f.getConf("/conf/templates")["templates"]; !cmp.Equal(got, []any{"default", "the_template"}) && !cmp.Equal(got, []any{"the_template", "default"}) {
		t.Errorf("templates: %v", got)
	}

	mapped := f.postConf("/conf/template-mappings/"+strings.ToUpper(host1), host1+" = default").want(200)
	if !strings.Contains(string(mapped.body), `"`+host1+`": "default"`) || mapped.Header.Get("Content-Type") != "text/plain" {
		t.Errorf("answered %s as %s", mapped.body, mapped.Header.Get("Content-Type"))
	}
	f.postConf("/conf/template-mappings/"+host1, net1+" = default").
		wantError(400, "The configuration does not name a template for "+host1+".")
	f.delete("/conf/template-mappings/" + host1).want(200)
	f.wantConf("/conf/template-mappings", "")
	run(`the { name = default, other = 1 }, agent.loggers.root = DEBUG`)
	if n := f.mirror.State().Count(topology.KindConfigDocument); n != 3 {
		t.Errorf("%d documents are kept", n)
	}
}

func TestConfigurationIsAsLongAsItMayBe(t *testing.T) {
	f := newFixture(t)
	path := "/conf/nodes/" + net1
	document := func(key string, n int) string { return key + ` = "` + strings.Repeat("x", n) + `"` }
	f.postConf(path, document("a", maxConfig)).want(413)
	whole := len(conf.Config{"a": "", "b": ""}.JSON())
	f.postConf(path, document("a", maxConfig/2)).want(200)
	f.postConf(path, document("b", maxConfig/2-whole+1)).want(413)
	f.postConf(path, document("b", maxConfig/2-whole)).want(200)
	f.postConf("/conf/templates/"+strings.Repeat("t", maxName+1), "a = 1").want(400)
	f.postConf("/conf/templates/"+strings.Repeat("t", maxName), "a = 1").want(200)
}
