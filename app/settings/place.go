package settings

import (
	"bytes"
	"fmt"
	"strings"
)

// set finds the edit that gives a key a value; code is the value in TOML.
func (d *document) set(key []string, code string) (edit, bool, error) {
	path := join("", key...)
	table := join("", key[:len(key)-1]...)
	name := quoteKey(key[len(key)-1])

	if i := d.find(path); i >= 0 {
		e := d.entries[i]
		if e.header || e.table {
			return edit{}, false, fmt.Errorf("%s is a table", display(path))
		}
		return edit{e.value, e.end, code}, string(d.text[e.value:e.end]) != code, nil
	}

	header := -1
	if table != "" {
		header = d.find(table)
	}
	switch {
	case table == "":
		return d.atTop(name + " = " + code), true, nil

	case header >= 0 && d.entries[header].header:
		after := d.entries[header]
		if last := d.last(func(e entry) bool { return !e.inline && !e.header && e.under == header }); last >= 0 {
			after = d.entries[last]
		}
		return d.lineAfter(after, name+" = "+code), true, nil

	case header >= 0 && d.entries[header].table:
		return d.inTable(header, name+" = "+code), true, nil

	case header >= 0 || d.find(element(table, 0)) >= 0:
		return edit{}, false, fmt.Errorf("%s is no table", display(table))
	}

	// A table that dotted keys make cannot have a header: go on as they do.
	rest := path
	dotted := d.last(func(e entry) bool {
		if e.inline || e.header || !strings.HasPrefix(e.path, table+".") {
			return false
		}
		if rest = path; e.under < 0 {
			return true
		}
		var below bool
		rest, below = strings.CutPrefix(table, d.entries[e.under].path+".")
		rest += "." + name
		return below
	})
	if dotted >= 0 {
		return d.lineAfter(d.entries[dotted], rest+" = "+code), true, nil
	}

	eol := d.eol()
	block := "[" + table + "]" + eol + name + " = " + code + eol
	if len(d.text) > 0 {
		block = eol + block
	}
	return edit{len(d.text), len(d.text), d.missingEOL() + block}, true, nil
}

// unset finds the edit that removes a key.
func (d *document) unset(key []string) (edit, bool) {
	i := d.find(join("", key...))
	if i < 0 || d.entries[i].header {
		return edit{}, false
	}
	e := d.entries[i]
	if !e.inline {
		start := bytes.LastIndexByte(d.text[:e.start], '\n') + 1
		end := e.end + len(d.text[e.end:]) - len(bytes.TrimLeft(d.text[e.end:], " \t"))
		if end < len(d.text) && d.text[end] == '#' {
			return edit{e.start, end, ""}, true
		}
		if start == 0 && bytes.HasPrefix(d.text, bom) {
			start = len(bom)
		}
		if n := bytes.IndexByte(d.text[end:], '\n'); n >= 0 {
			end += n + 1
		} else {
			end = len(d.text)
		}
		return edit{start, end, ""}, true
	}

	// In an inline table one comma goes with it.
	if n := d.text[e.end:]; bytes.HasPrefix(bytes.TrimLeft(n, " \t"), []byte(",")) {
		end := e.end + bytes.IndexByte(n, ',') + 1
		end += len(d.text[end:]) - len(bytes.TrimLeft(d.text[end:], " \t"))
		return edit{e.start, end, ""}, true
	}
	before := bytes.TrimRight(d.text[:e.start], " \t")
	if bytes.HasSuffix(before, []byte(",")) {
		return edit{len(before) - 1, e.end, ""}, true
	}
	return edit{e.start, e.end, ""}, true
}

// last returns the index of the last entry that fits, -1 where none does.
func (d *document) last(fits func(entry) bool) int {
	for i := len(d.entries) - 1; i >= 0; i-- {
		if fits(d.entries[i]) {
			return i
		}
	}
	return -1
}

// atTop adds a line above the first header: after the last key there, else
// after the comments with which the file begins.
func (d *document) atTop(line string) edit {
	if last := d.last(func(e entry) bool { return e.under < 0 && !e.inline }); last >= 0 {
		return d.lineAfter(d.entries[last], line)
	}
	eol := d.eol()
	first := -1
	for i, e := range d.entries {
		if e.header {
			first = i
			break
		}
	}
	if first < 0 {
		return edit{len(d.text), len(d.text), d.missingEOL() + line + eol}
	}

	at := d.above(first)
	return edit{at, at, line + eol + eol}
}

// above is where a header's line begins, or the comment right above it: that
// speaks of the table, unless it is the first thing in the file.
func (d *document) above(header int) int {
	floor := 0 // a line that begins with # can be the end of a value
	for _, e := range d.entries[:header] {
		floor = max(floor, e.end)
	}
	at := bytes.LastIndexByte(d.text[:d.entries[header].start], '\n') + 1
	above := at
	for above > 0 {
		previous := bytes.LastIndexByte(d.text[:above-1], '\n') + 1
		if previous < floor || !bytes.HasPrefix(bytes.TrimLeft(d.text[previous:above], " \t\ufeff"), []byte("#")) {
			break
		}
		above = previous
	}
	if above > 0 {
		at = above
	}
	if at == 0 && bytes.HasPrefix(d.text, bom) {
		at = len(bom)
	}
	return at
}

// lineAfter adds a line after the one on which an entry ends, indented like
// it.
func (d *document) lineAfter(e entry, line string) edit {
	begin := bytes.LastIndexByte(d.text[:e.start], '\n') + 1
	if begin == 0 && bytes.HasPrefix(d.text, bom) {
		begin = len(bom)
	}
	if !e.header {
		line = string(d.text[begin:e.start]) + line
	}
	if n := bytes.IndexByte(d.text[e.end:], '\n'); n >= 0 {
		at := e.end + n + 1
		return edit{at, at, line + d.eol()}
	}
	return edit{len(d.text), len(d.text), d.eol() + line + d.eol()}
}

// inTable adds a key to an inline table, at its end.
func (d *document) inTable(i int, member string) edit {
	table, at := d.entries[i], 0
	for _, e := range d.entries {
		if e.start > table.value && e.end < table.end {
			at = max(at, e.end)
		}
	}
	if at == 0 {
		return edit{table.value + 1, table.value + 1, " " + member + " "}
	}
	return edit{at, at, ", " + member}
}

// eol is how lines end in this file.
func (d *document) eol() string {
	if n := bytes.IndexByte(d.text, '\n'); n > 0 && d.text[n-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}

// missingEOL is what the last line lacks.
func (d *document) missingEOL() string {
	if len(d.text) == 0 || bytes.HasSuffix(d.text, []byte("\n")) {
		return ""
	}
	return d.eol()
}
