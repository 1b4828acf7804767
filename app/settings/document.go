package settings

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// A document is a config as its bytes and as its values.
type document struct {
	text    []byte
	values  map[string]any
	entries []entry // in the order of the text
}

// An entry is a table's header or one key with its value.
type entry struct {
	path   string // such as home[0].client
	line   int
	header bool
	inline bool // stands inside an inline table
	under  int  // index of the header that it stands under; -1 at the top

	// Bytes of the text: start to end is the whole of it without what follows
	// on the line, value is where the value begins.
	start, value, end int
	table             bool // its value is an inline table
}

// bom is a byte order mark, which some editors on Windows put first.
var bom = []byte("\xef\xbb\xbf")

// parseDocument reads the text of a config.
func parseDocument(text []byte) (*document, *Fault) {
	d := &document{text: text}
	if !utf8.Valid(text) {
		return nil, &Fault{What: "is not UTF-8; save it in that encoding"}
	}
	// Blanks in place of the mark keep every offset as it is.
	body := text
	if bytes.HasPrefix(text, bom) {
		body = append([]byte("   "), text[len(bom):]...)
	}
	var bad *toml.DecodeError
	switch err := toml.Unmarshal(body, &d.values); {
	case errors.As(err, &bad):
		line, _ := bad.Position()
		return nil, &Fault{Line: line, Key: display(join("", bad.Key()...)), What: strings.TrimPrefix(bad.Error(), "toml: ")}
	case err != nil:
		return nil, &Fault{What: strings.TrimPrefix(err.Error(), "toml: ")}
	}
	return d, d.index(body)
}

// index finds the entries.
func (d *document) index(body []byte) *Fault {
	var p unstable.Parser
	p.Reset(body)
	count := map[string]int{} // elements of arrays of tables
	table, under := "", -1
	for p.NextExpression() {
		node := p.Expression()
		switch node.Kind {
		case unstable.Table, unstable.ArrayTable:
			keys := parts(node.Key())
			table = ""
			for i, key := range keys {
				table = join(table, key)
				if node.Kind == unstable.ArrayTable && i == len(keys)-1 {
					count[table]++
				}
				if n := count[table]; n > 0 {
					table = element(table, n-1)
				}
			}
			first := node.Child().Raw
			start := bytes.LastIndexByte(body[:first.Offset], '[')
			if node.Kind == unstable.ArrayTable {
				start--
			}
			end := start + bytes.IndexByte(body[start:], '\n')
			if end < start {
				end = len(body)
			}
			under = len(d.entries)
			d.entries = append(d.entries, entry{path: table, header: true, line: d.line(start), start: start, value: end, end: end, under: under})
		case unstable.KeyValue:
			d.keyValue(node, table, under, false)
		}
	}
	if err := p.Error(); err != nil {
		return &Fault{What: err.Error()}
	}
	return nil
}

func (d *document) keyValue(node *unstable.Node, table string, under int, inline bool) {
	var last unstable.Range
	for keys := node.Key(); keys.Next(); {
		last = keys.Node().Raw
	}
	e := entry{
		path: join(table, parts(node.Key())...), under: under, inline: inline,
		start: int(node.Raw.Offset), end: int(node.Raw.Offset + node.Raw.Length),
		table: node.Value().Kind == unstable.InlineTable,
	}
	e.line = d.line(e.start)
	e.value = int(last.Offset + last.Length)
	e.value += bytes.IndexByte(d.text[e.value:], '=') + 1
	e.value += len(d.text[e.value:]) - len(bytes.TrimLeft(d.text[e.value:], " \t"))
	d.entries = append(d.entries, e)
	d.inside(node.Value(), e.path, under)
}

// inside finds the entries of inline tables.
func (d *document) inside(value *unstable.Node, path string, under int) {
	switch value.Kind {
	case unstable.InlineTable:
		for it := value.Children(); it.Next(); {
			d.keyValue(it.Node(), path, under, true)
		}
	case unstable.Array:
		i := 0
		for it := value.Children(); it.Next(); i++ {
			d.inside(it.Node(), element(path, i), under)
		}
	}
}

// line is the number of the line that an offset is in.
func (d *document) line(offset int) int { return 1 + bytes.Count(d.text[:offset], []byte("\n")) }

// lineOf is where something at this path, or below it, begins; 0 if nowhere.
func (d *document) lineOf(path string) int {
	below := 0
	for _, e := range d.entries {
		if e.path == path {
			return e.line
		}
		if below == 0 && (strings.HasPrefix(e.path, path+".") || strings.HasPrefix(e.path, path+"[")) {
			below = e.line
		}
	}
	return below
}

// find returns the index of the entry at this path, -1 where there is none.
func (d *document) find(path string) int {
	for i, e := range d.entries {
		if e.path == path {
			return i
		}
	}
	return -1
}

func parts(keys unstable.Iterator) (parts []string) {
	for keys.Next() {
		parts = append(parts, string(keys.Node().Data))
	}
	return parts
}

// join makes a path. A key that is not bare is quoted, so that a path has one
// meaning only.
func join(table string, keys ...string) string {
	path := []string{}
	if table != "" {
		path = append(path, table)
	}
	for _, key := range keys {
		path = append(path, quoteKey(key))
	}
	return strings.Join(path, ".")
}

func element(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

// display is a path for people: line numbers say which element is meant.
func display(path string) string {
	var b strings.Builder
	for path != "" {
		open := strings.IndexAny(path, `["`)
		if open < 0 {
			break
		}
		b.WriteString(path[:open])
		path = path[open:]
		if quoted, err := strconv.QuotedPrefix(path); err == nil {
			b.WriteString(quoted)
			path = path[len(quoted):]
		} else {
			_, path, _ = strings.Cut(path, "]")
		}
	}
	return b.String() + path
}
