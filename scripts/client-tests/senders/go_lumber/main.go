// Sends events as Filebeat does, with the client of the Beats' authors: each says which agent read it from which file and
// where. What is not acknowledged is sent again over a new connection.
//
// usage: lumberjack HOST:PORT EVENTS SERVICE
package main

import (
	"fmt"
	"os"
	"strconv"
	"time"

	client "github.com/elastic/go-lumber/client/v2"
)

const (
	windowEvents = 100
	lineBytes    = 40
	pause        = 200 * time.Millisecond
	tries        = 600
)

func event(number int, service string) any {
	return map[string]any{
		"@timestamp": time.Now().UTC().Format(time.RFC3339Nano),
		"@metadata":  map[string]any{"beat": "filebeat", "type": "_doc", "version": "8.19.0"},
		"agent":      map[string]any{"id": "6a0e4d7e", "name": "web-1", "type": "filebeat"},
		"host":       map[string]any{"name": "web-1"},
		"service":    map[string]any{"name": service},
		"log":        map[string]any{"offset": number * lineBytes, "file": map[string]any{"path": "/var/log/shop.log"}},
		"message":    fmt.Sprintf("order n=%d", number),
	}
}

// send tries until the window is acknowledged; the connection that it went over.
func send(address string, connection *client.SyncClient, window []any) *client.SyncClient {
	for range tries {
		var err error
		if connection == nil {
			connection, err = client.SyncDial(address, client.CompressionLevel(3), client.Timeout(30*time.Second))
		}
		if err == nil {
			if _, err = connection.Send(window); err == nil {
				return connection
			}
			connection.Close()
		}
		connection = nil
		fmt.Fprintln(os.Stderr, err)
		time.Sleep(pause)
	}
	os.Exit(1)
	return nil
}

func main() {
	address, service := os.Args[1], os.Args[3]
	events, err := strconv.Atoi(os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	var connection *client.SyncClient
	for first := 0; first < events; first += windowEvents {
		var window []any
		for number := first; number < min(first+windowEvents, events); number++ {
			window = append(window, event(number, service))
		}
		connection = send(address, connection, window)
	}
}
