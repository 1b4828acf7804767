package jsonedit

import (
	"fmt"
	"strings"
	"testing"
)

// store returns a text of at least size bytes as Claude Code writes it, and
// the key of the entry in its middle.
func store(size int) (text []byte, middle string) {
	var b strings.Builder
	b.WriteString(`{"mcpOAuth":{`)
	for i := 0; b.Len() < size; i++ {
		if i > 0 {
			b.WriteString(",")
		}
		key := fmt.Sprintf("server-%d|cd725037a89da004", i)
		if b.Len() < size/2 {
			middle = key
		}
		fmt.Fprintf(&b, `%q:{"serverName":"server-%d","serverUrl":"https://mcp.example/%d/mcp","accessToken":"%s_EXAMPLE","refreshToken":"%s_EXAMPLE","expiresAt":1795235637486,"clientId":"cli_%d","scope":"read write","issuer":"https://as.example","redirectUri":"http://localhost:33418/callback","discoveryState":{"authorizationServerUrl":"https://as.example","oauthMetadataFound":true,"authServerMetadataUrl":null}}`,
			key, i, i, strings.Repeat("0123456789abcdef", 20), strings.Repeat("fedcba9876543210", 4), i)
	}
	b.WriteString(`}}`)
	return []byte(b.String()), middle
}

// BenchmarkRefresh is what one refresh costs: read three fields, set three.
func BenchmarkRefresh(b *testing.B) {
	for _, size := range []int{4 << 10, 1 << 20} {
		text, key := store(size)
		b.Run(fmt.Sprintf("%dKB", size>>10), func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				v, err := Parse(text)
				if err != nil {
					b.Fatal(err)
				}
				entry, _ := v.Get("mcpOAuth", key)
				access, _ := entry.Get("accessToken")
				refresh, _ := entry.Get("refreshToken")
				expiry, _ := entry.Get("expiresAt")
				access.Text()
				refresh.Text()
				expiry.Int()
				_, err = Apply(text,
					Set([]string{"mcpOAuth", key, "accessToken"}, Quote("at_2_EXAMPLE")),
					Set([]string{"mcpOAuth", key, "refreshToken"}, Quote("rt_2_EXAMPLE")),
					Set([]string{"mcpOAuth", key, "expiresAt"}, []byte("1795239237486")),
				)
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	text, _ := store(1 << 20)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(text); err != nil {
			b.Fatal(err)
		}
	}
}
