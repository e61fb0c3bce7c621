// Registers as `go-service` with fargo, in XML, and calls another by its VIP. Answers `call`, `list` and `stop` of its
// standard input with one JSON line each; run by clients.py.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/hudl/fargo"
)

func say(what map[string]any) {
	line, _ := json.Marshal(what)
	fmt.Println(string(line))
}

func found(registry *fargo.EurekaConnection, vip string) ([]*fargo.Instance, error) {
	return registry.GetInstancesByVIPAddress(vip, false, fargo.ThatAreUp)
}

func call(registry *fargo.EurekaConnection, vip string) {
	instances, err := found(registry, vip)
	if err != nil || len(instances) == 0 {
		say(map[string]any{"error": fmt.Sprint("nobody: ", err)})
		return
	}
	answer, err := http.Get(fmt.Sprintf("http://%s:%d/", instances[0].IPAddr, instances[0].Port))
	if err != nil {
		say(map[string]any{"error": err.Error()})
		return
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	say(map[string]any{"text": string(text)})
}

func main() {
	port, _ := strconv.Atoi(os.Args[2])
	vip := os.Args[3]
	hello := func(to http.ResponseWriter, _ *http.Request) { fmt.Fprint(to, "hello from go") }
	go func() { panic(http.ListenAndServe(fmt.Sprintf("127.0.0.1:%d", port), http.HandlerFunc(hello))) }()

	registry := fargo.NewConn(fmt.Sprintf("http://127.0.0.1:%s/eureka", os.Args[1]))
	own := fargo.Instance{
		HostName: "127.0.0.1", IPAddr: "127.0.0.1", App: "go-service", VipAddress: "go-service",
		InstanceId: fmt.Sprintf("127.0.0.1:go-service:%d", port), Port: port, PortEnabled: true,
		Status: fargo.UP, DataCenterInfo: fargo.DataCenterInfo{Name: fargo.MyOwn},
		LeaseInfo: fargo.LeaseInfo{RenewalIntervalInSecs: 1, DurationInSecs: 3},
	}
	own.SetMetadataString("written-by", "fargo")
	if err := registry.RegisterInstance(&own); err != nil {
		say(map[string]any{"error": err.Error()})
		return
	}
	go func() {
		for range time.Tick(time.Second) {
			registry.HeartBeatInstance(&own)
		}
	}()
	say(map[string]any{"started": true})
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		switch lines.Text() {
		case "call":
			call(&registry, vip)
		case "list":
			ids := []string{}
			instances, _ := found(&registry, vip)
			for _, each := range instances {
				ids = append(ids, each.InstanceId)
			}
			say(map[string]any{"ids": ids})
		case "stop":
			say(map[string]any{"stopped": registry.DeregisterInstance(&own) == nil})
			return
		}
	}
}
