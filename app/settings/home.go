package settings

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
)

// AddHome adds a home at the end of the config at path, as a [[home]] table;
// every other byte stays. What Load would not take, such as a client that is
// not in clients, a relative path or a name that is taken, is an [*Error] with
// Load's sentence and no line. Its folder need not exist. A missing config is
// made, for the user alone. One that does not parse, that others may write, or
// that has its homes as a value (home = [...]) is not touched.
func AddHome(path string, h Home, clients []string) error {
	code, values, err := h.encode()
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return change(path, func(d *document) (edit, bool, error) {
		e, err := d.append(path, "home", code, clients)
		return e, err == nil, err
	}, func(all map[string]any) {
		homes, _ := all["home"].([]any)
		all["home"] = append(homes, values)
	})
}

// RemoveHome removes the [[home]] table that says exactly h, the last one of
// several, from the config at path. The comments in it and right above it go
// too, but not one with which the file begins; of the blank lines on both sides
// one goes. A home that is not there is no error. What AddHome does not touch
// is not touched.
func RemoveHome(path string, h Home) error {
	_, values, err := h.encode()
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	i := -1
	return change(path, func(d *document) (edit, bool, error) {
		homes, _ := d.values["home"].([]any)
		for i = len(homes) - 1; i >= 0 && !reflect.DeepEqual(homes[i], any(values)); i-- {
		}
		if i < 0 {
			return edit{}, false, nil
		}
		header := d.find(element("home", i))
		if header < 0 {
			return edit{}, false, byHand(path, "home")
		}
		return d.cut(header), true, nil
	}, func(all map[string]any) {
		homes := slices.Delete(all["home"].([]any), i, i+1)
		if all["home"] = homes; len(homes) == 0 {
			delete(all, "home")
		}
	})
}

// encode returns the lines of a home's table, and what they parse to. What is
// empty is left out.
func (h Home) encode() (lines []string, values map[string]any, err error) {
	values = map[string]any{}
	for _, member := range [][2]string{{"client", h.Client}, {"path", h.Path}, {"name", h.Name}} {
		name, value := member[0], member[1]
		if value == "" {
			continue
		}
		code, err := encode(value)
		if err != nil {
			return nil, nil, fmt.Errorf("home.%s: %w", name, err)
		}
		lines = append(lines, name+" = "+code)
		values[name] = value
	}
	return lines, values, nil
}

// cut finds the edit that removes a table without tables in it.
func (d *document) cut(header int) edit {
	start := d.above(header)
	last := d.last(func(e entry) bool { return e.under == header && !e.inline })
	end := d.nextLine(d.entries[last].end)

	// A comment right below the last key is in the table, unless it is right
	// above the next header.
	below := end
	for d.startsWith(below, "#") {
		below = d.nextLine(below)
	}
	if !d.startsWith(below, "[") {
		end = below
	}

	// What is cut out leaves no two blank lines where one was on each side.
	first := 0
	if bytes.HasPrefix(d.text, bom) {
		first = len(bom)
	}
	blank := func(from, to int) bool { return from < to && len(bytes.TrimSpace(d.text[from:to])) == 0 }
	after := d.nextLine(end)
	switch {
	case start == first && blank(end, after):
		end = after
	case start > first && (end == len(d.text) || blank(end, after)):
		if above := bytes.LastIndexByte(d.text[:start-1], '\n') + 1; blank(above, start) {
			start = above
		}
	}
	return edit{start, end, ""}
}

// nextLine is where the line after the one at this offset begins.
func (d *document) nextLine(offset int) int {
	if n := bytes.IndexByte(d.text[offset:], '\n'); n >= 0 {
		return offset + n + 1
	}
	return len(d.text)
}

// startsWith reports how the line at this offset begins, blanks aside.
func (d *document) startsWith(offset int, prefix string) bool {
	return bytes.HasPrefix(bytes.TrimLeft(d.text[offset:], " \t"), []byte(prefix))
}
