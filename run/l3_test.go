package run

import (
	"net/http"
	"strings"
	"testing"
)

// TestWhatRoutersNeedAnAdministratorFor asks the rules of attributes and of what is below a resource, by the API.
func TestWhatRoutersNeedAnAdministratorFor(t *testing.T) {
	w := newWorld(t)
	external := w.makeExternal(t)
	gateway := `"external_gateway_info":{"network_id":"` + external + `"`
	for _, more := range []string{`,"enable_snat":false}`, `,"external_fixed_ips":[{"ip_address":"172.24.4.9"}]}`} {
		w.want(t, http.StatusForbidden, "POST", "routers", `{"router":{`+gateway+more+`}}`)
	}
	router := w.make(t, "blue", "routers", gateway+"}")
	w.want(t, http.StatusForbidden, "PUT", "routers/"+router, `{"router":{`+gateway+`,"enable_snat":false}}}`)
	w.want(t, http.StatusOK, "PUT", "routers/"+router, `{"router":{"external_gateway_info":null}}`)
	w.want(t, http.StatusForbidden, "POST", "floatingips",
		`{"floatingip":{"floating_network_id":"`+external+`","floating_ip_address":"172.24.4.9"}}`)
	if status, answer := w.do("admin", "PUT", "routers/"+router, `{"router":{`+gateway+`,"enable_snat":false}}}`); status != http.StatusOK {
		t.Errorf("the administrator: %d %v", status, answer)
	}
}

// TestInterfacesAreTheOwners: red does nothing to blue's router, and forwards nothing by blue's address.
func TestInterfacesAreTheOwners(t *testing.T) {
	w := newWorld(t)
	external := w.makeExternal(t)
	blues := w.make(t, "blue", "networks", `"name":"inside"`)
	subnet := w.make(t, "blue", "subnets", `"network_id":"`+blues+`","ip_version":4,"cidr":"10.0.0.0/24"`)
	router := w.make(t, "blue", "routers", `"external_gateway_info":{"network_id":"`+external+`"}`)
	byBlue := `{"subnet_id":"` + subnet + `"}`
	for _, action := range []string{"add_router_interface", "remove_router_interface", "add_extraroutes", "remove_extraroutes"} {
		if status, answer := w.do("red", "PUT", "routers/"+router+"/"+action, byBlue); status != http.StatusNotFound {
			t.Errorf("red may %s: %d %v", action, status, answer)
		}
	}
	answer := w.want(t, http.StatusOK, "PUT", "routers/"+router+"/add_router_interface", byBlue)
	if answer["subnet_id"] != subnet || answer["id"] != router {
		t.Errorf("the interface is %v", answer)
	}
	port := w.make(t, "blue", "ports", `"network_id":"`+blues+`","fixed_ips":[{"subnet_id":"`+subnet+`"}]`)
	_, shown := w.do("blue", "GET", "ports/"+port, "")
	address := shown["port"].(map[string]any)["fixed_ips"].([]any)[0].(map[string]any)["ip_address"].(string)
	floating := w.make(t, "blue", "floatingips", `"floating_network_id":"`+external+`"`)
	path := "floatingips/" + floating + "/port_forwardings"
	body := `{"port_forwarding":{"external_port":80,"internal_port":8080,"protocol":"tcp","internal_ip_address":"` + address +
		`","internal_port_id":"` + port + `"}}`
	made := w.want(t, http.StatusCreated, "POST", path, body)["port_forwarding"].(map[string]any)
	if _, ok := made["project_id"]; ok || made["external_port_range"] != "80:80" {
		t.Errorf("the forwarding is %v", made)
	}
	one := path + "/" + made["id"].(string)
	for method, at := range map[string]string{"GET": path, "POST": path, "PUT": one, "DELETE": one} {
		ask := ""
		if strings.HasPrefix(method, "P") {
			ask = body
		}
		if status, answer := w.do("red", method, at, ask); status != http.StatusNotFound {
			t.Errorf("red's %s %s: %d %v", method, at, status, answer)
		}
	}
	w.want(t, http.StatusOK, "PUT", one, `{"port_forwarding":{"description":"web"}}`)
	w.want(t, http.StatusNoContent, "DELETE", one, "")
}
