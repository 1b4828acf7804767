package credfiles

import (
	"context"
	"fmt"
	"testing"
)

// filled is the real store with many more entries, and a configuration that
// names them all.
func filled(b *testing.B, c *client, many int) *lab {
	l := realLab(b, c)
	config := `{"mcpServers":{`
	l.put(l.file(), l.entries(func(all map[string]map[string]any) {
		f := l.words()
		for i := len(all); i < many; i++ {
			name, url := fmt.Sprint("server-", i), fmt.Sprint("https://example.com/mcp/", i)
			e := map[string]any{}
			for k, v := range all["lab|cd725037a89da004"] {
				e[k] = v
			}
			e[f.name[0]], e[f.server[0]] = name, url
			all[EntryKey(name, url)] = e
			config += fmt.Sprintf(`"%s":{"type":"http","url":"%s"},`, name, url)
		}
		if many == 1 {
			delete(all, "notes|1262121f17593025")
		}
	}))
	if c == &claude {
		l.put("../.claude.json", config+`"last":{}}}`)
	}
	return l
}

// What an entry costs must not grow with their number.
func BenchmarkScan(b *testing.B) {
	for _, c := range together {
		for _, many := range []int{1, 100, 1000} {
			b.Run(fmt.Sprintf("%s/%d", c.name, many), func(b *testing.B) {
				s := filled(b, c, many).store()
				for b.Loop() {
					if all, problems := s.Scan(context.Background()); len(all) != many || len(problems) > 0 {
						b.Fatal(len(all), problems)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*many), "ns/entry")
			})
		}
	}
}

// A client with a file for each entry: finding the files is part of the cost.
func BenchmarkScanFiles(b *testing.B) {
	for _, many := range []int{1, 100, 1000} {
		b.Run(fmt.Sprint(many), func(b *testing.B) {
			l := newLab(b, &mcpRemote)
			config := `{"mcpServers":{`
			for i := range many {
				r, _ := parseRemote([]string{"mcp-remote", fmt.Sprint("https://example.com/mcp/", i)}, nil)
				config += fmt.Sprintf(`"server-%d":{"command":"npx","args":["mcp-remote",%q]},`, i, r.url)
				l.put("mcp-remote-v1/"+r.hashes[0]+"_tokens.json", `{"access_token":"at_EXAMPLE","refresh_token":"rt_EXAMPLE","expires_at":1795250000000}`)
				l.put("mcp-remote-v1/"+r.hashes[0]+"_client_info.json", `{"client_id":"c"}`)
			}
			l.put("../.cursor/mcp.json", config+`"last":{}}}`)
			var stores []*Store
			for b.Loop() {
				stores = Stores(l.host, nil, stores...)
				found := 0
				for _, s := range stores {
					all, _ := s.Scan(context.Background())
					for _, c := range all {
						if c.WatchOnly == "" {
							found++
						}
					}
				}
				if found != many {
					b.Fatal(found)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*many), "ns/entry")
		})
	}
}

// A whole refresh without its POST.
func BenchmarkHoldReadyWriteClose(b *testing.B) {
	for _, c := range clients {
		b.Run(c.name, func(b *testing.B) {
			l := realLab(b, c)
			for i := 0; b.Loop(); i++ {
				if result := l.write(l.one("lab"), fresh(fmt.Sprint(i))); result != Written {
					b.Fatal(result)
				}
			}
		})
	}
}
