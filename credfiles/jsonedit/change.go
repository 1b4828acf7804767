package jsonedit

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Change is one value to set or one member to delete.
type Change struct {
	path  []string
	value Value // what to set; the zero Value deletes
	err   error // what is wrong with the change itself
}

// Set makes the value at path be raw, the bytes of one JSON value such as
// [Quote] returns. The path is that of [Value.Get], from the outermost value
// on; an empty path is the whole value. What is there already is left as it is
// written if it says the same: strings after decoding, numbers by their exact
// value, arrays and objects if they say the same in the same order. Where a
// key stands more than once the last one is set, the one that Get finds. A
// missing member becomes the last of its object, spaced as its neighbours are,
// and so does an element whose number is [Last]; a missing object or array
// around it is an error, and so is a number that no element has: an element is
// never made by its number, which counts what may have moved.
func Set(path []string, raw []byte) Change {
	v, err := Parse(raw)
	if err != nil {
		err = fmt.Errorf("new value for %q: %v", path, err)
	}
	// A copy, because callers build paths by appending to one base.
	return Change{slices.Clone(path), v, err}
}

// Last in the path of a [Set] is the element after an array's last one (RFC
// 6901 section 4).
const Last = "-"

// Delete removes the member at path, its comma and the white space that set
// it off. It removes all members of that key, otherwise an older one would
// take effect. What is not there needs no deleting.
func Delete(path []string) Change {
	return Change{path: slices.Clone(path)}
}

// Apply returns a copy of text with the changes made, in order, and every
// other byte as it was. If any of them cannot be made there is no result. An
// error is a [*SyntaxError] if and only if text itself is not JSON.
func Apply(text []byte, changes ...Change) ([]byte, error) {
	if _, err := Parse(text); err != nil {
		return nil, err
	}
	out := slices.Clone(text)
	for _, c := range changes {
		var err error
		switch {
		case c.err != nil:
			err = c.err
		case c.value.text != nil:
			out, err = c.set(out)
		case len(c.path) == 0:
			err = errors.New("the outermost value cannot be deleted")
		default:
			out = c.delete(out)
		}
		if err != nil {
			return nil, err
		}
	}
	// What two valid texts make together can still be nested too deep.
	if _, err := Parse(out); err != nil {
		return nil, fmt.Errorf("the changed text would be refused: %v", err)
	}
	return out, nil
}

// root returns the outermost value of a valid text.
func root(text []byte) Value {
	return newValue(text, skipSpace(text, 0), len(bytes.TrimRight(text, space)))
}

func (c Change) set(text []byte) ([]byte, error) {
	old, ok := root(text).Get(c.path...)
	if !ok {
		return c.insert(text)
	}
	if equal(old, c.value) {
		return text, nil
	}
	return slices.Replace(text, old.start, old.end, c.value.Bytes()...), nil
}

func (c Change) insert(text []byte) ([]byte, error) {
	holder, key := c.path[:len(c.path)-1], c.path[len(c.path)-1]
	var outer Value // the object around the one that holds the member
	var at field    // the member of outer whose value that is
	at.value = root(text)
	for _, k := range holder {
		outer = at.value
		at, _ = outer.step(k)
	}
	if outer.Kind() == Array {
		outer = Value{} // in an element there is no key to follow
	}
	if at.value.Kind() == Array && key == Last {
		return appended(text, at.value, c.value), nil
	}
	if at.value.Kind() != Object {
		return nil, fmt.Errorf("no object at %q to hold %q", holder, key)
	}
	name := Quote(key)
	if name == nil {
		return nil, fmt.Errorf("the key %q at %q is not UTF-8", key, holder)
	}
	s := styleOf(text, at.value, at.key, outer)
	member := slices.Concat([]byte(s.before), name, []byte(s.colon), c.value.Bytes(), []byte(s.after))
	return slices.Replace(text, s.start, s.end, member...), nil
}

// appended is the text with one more element in an array, on a line of its own
// where the others are.
func appended(text []byte, array, value Value) []byte {
	elements := array.Elements()
	open := string(text[array.start+1 : skipSpace(text, array.start+1)])
	if len(elements) == 0 {
		// Two spaces, as those have it who write an array over several lines.
		s := emptyStyle(open, Value{}, Value{})
		return slices.Replace(text, array.start+1, array.end-1, slices.Concat([]byte(s.before), value.Bytes(), []byte(s.after))...)
	}
	last := elements[len(elements)-1]
	gap := open
	if n := len(elements); n > 1 {
		before := elements[n-2].end
		gap = string(text[skipSpace(text, before)+1 : last.start])
	}
	return slices.Replace(text, last.end, last.end, slices.Concat([]byte(","+gap), value.Bytes())...)
}

// A style is how a new last member is written, and which bytes of the text it
// takes the place of: none in an object that has members, else all the white
// space between the braces.
type style struct {
	start, end           int
	before, colon, after string
}

// styleOf copies the neighbours in obj. An empty object has none: it follows
// outer, the object around it, in which it stands under key.
func styleOf(text []byte, obj, key, outer Value) style {
	var previous, last field
	n := 0
	for f := range obj.fields() {
		previous, last = last, f
		n++
	}
	open := string(text[obj.start+1 : skipSpace(text, obj.start+1)])
	if n == 0 {
		s := emptyStyle(open, key, outer)
		s.start, s.end = obj.start+1, obj.end-1
		return s
	}
	s := style{start: last.value.end, end: last.value.end}
	s.colon = string(text[last.key.end:last.value.start])
	switch {
	case n > 1:
		s.before = string(text[previous.value.end:last.key.start])
	case open != "":
		s.before = "," + open
	default:
		// {"a": 1}: who leaves a space after the colon does so after a comma.
		s.before = "," + s.colon[strings.IndexByte(s.colon, ':')+1:]
	}
	return s
}

// emptyStyle is the style of an object that holds only the white space open.
func emptyStyle(open string, key, outer Value) style {
	line, colon, unit := lastLine(open), ":", "  "
	if line != "" {
		colon = ": "
	}
	if outer.text != nil {
		text := outer.text()
		end := skipSpace(text, key.end) + 1
		colon = string(text[key.end:skipSpace(text, end)])
		if l := lastLine(spaceBefore(text, key.start)); l != "" {
			line = l
			// One step in is what outer's members are beyond its own brace.
			brace := lastLine(spaceBefore(text, outer.end-1))
			if step, ok := strings.CutPrefix(l, brace); ok && brace != "" {
				unit = step
			}
		}
	}
	if line == "" {
		return style{before: open, colon: colon, after: open}
	}
	return style{before: line + unit, colon: colon, after: line}
}

// lastLine returns the line break before the last line of white space with
// what follows it; "" if there is none.
func lastLine(gap string) string {
	i := strings.LastIndexByte(gap, '\n')
	if i < 0 {
		return ""
	}
	if i > 0 && gap[i-1] == '\r' {
		i--
	}
	return gap[i:]
}

// spaceBefore returns the white space that ends at i.
func spaceBefore(text []byte, i int) string {
	return string(text[len(bytes.TrimRight(text[:i], space)):i])
}

func (c Change) delete(text []byte) []byte {
	holder, key := c.path[:len(c.path)-1], c.path[len(c.path)-1]
	obj, _ := root(text).Get(holder...) // an array has no fields
	if _, ok := obj.field(key); !ok {
		return text
	}
	// Each member that stays brings what stands between it and the one before;
	// the first of them moves to where the object's first member was.
	out := make([]byte, 0, len(text))
	out = append(out, text[:skipSpace(text, obj.start+1)]...)
	kept, end := false, 0
	for f := range obj.fields() {
		if !f.key.spells(key) {
			from := f.key.start
			if kept {
				from = end
			}
			out = append(out, text[from:f.value.end]...)
			kept = true
		}
		end = f.value.end
	}
	if !kept {
		return slices.Concat(text[:obj.start+1], text[obj.end-1:])
	}
	return append(out, text[end:]...)
}
