// Package jsonedit says which bytes of a JSON text are one value, and returns
// the text with just that value replaced. Order, spacing, number forms,
// escapes, unknown and duplicate keys and the end of the file stay as the
// program that owns the text wrote them.
//
// It has a scanner of its own because the tokens of encoding/json hide what
// matters here: bytes that are not UTF-8 and lone surrogates all become
// U+FFFD, so that different keys look the same; and a large text costs an
// allocation for every token.
package jsonedit

import (
	"iter"
	"slices"
	"strconv"
)

// A Kind is what a value is. The zero Kind is that of the zero Value.
type Kind string

// The kinds of RFC 8259 section 3.
const (
	Null   Kind = "null"
	Bool   Kind = "boolean"
	Number Kind = "number"
	String Kind = "string"
	Array  Kind = "array"
	Object Kind = "object"
)

// A Value is one value in a text that [Parse] accepted. It is three words and
// refers to the text, which must not change while it is used. The zero Value
// is no value: it has no kind, no bytes and no members.
type Value struct {
	// A func, because nothing that prints looks into one, whereas fmt follows
	// a pointer for some verbs: a Value in a log shows an address, no token.
	text       func() []byte
	start, end int
}

// A Member is one key with its value in an object.
type Member struct {
	// Key is the decoded key. A lone surrogate, which JSON can escape and
	// UTF-8 cannot hold, stands in it as the three bytes of the UTF-8 scheme,
	// so that different keys stay different.
	Key   string
	Value Value
}

func newValue(text []byte, start, end int) Value {
	return Value{func() []byte { return text }, start, end}
}

// Kind returns what the value is.
func (v Value) Kind() Kind {
	if v.text == nil {
		return ""
	}
	switch v.text()[v.start] {
	case '{':
		return Object
	case '[':
		return Array
	case '"':
		return String
	case 't', 'f':
		return Bool
	case 'n':
		return Null
	}
	return Number
}

// Bytes returns the value as it is written. They are the bytes of the text,
// not a copy.
func (v Value) Bytes() []byte {
	if v.text == nil {
		return nil
	}
	return v.text()[v.start:v.end:v.end]
}

// Get follows decoded keys down through objects, and the numbers of elements,
// from 0, down through arrays. Where a key stands more than once in an object
// the last one counts, at every level, as it does for JSON.parse and for
// serde_json's maps. Without a path it returns v itself.
func (v Value) Get(path ...string) (Value, bool) {
	for _, key := range path {
		f, ok := v.step(key)
		if !ok {
			return Value{}, false
		}
		v = f.value
	}
	return v, v.text != nil
}

// Members returns the members of an object as they stand, duplicates
// included; nil for any other value.
func (v Value) Members() []Member {
	var members []Member
	for f := range v.fields() {
		key, _ := f.key.decode()
		members = append(members, Member{key, f.value})
	}
	return members
}

// Elements returns the elements of an array; nil for any other value.
func (v Value) Elements() []Value {
	if v.Kind() != Array {
		return nil
	}
	var elements []Value
	text := v.text()
	for i := skipSpace(text, v.start+1); text[i] != ']'; {
		end := skipValue(text, i)
		elements = append(elements, Value{v.text, i, end})
		i = skipComma(text, end)
	}
	return elements
}

// A field is a member whose key is not decoded yet.
type field struct{ key, value Value }

// fields yields the members of an object, and nothing for any other value.
func (v Value) fields() iter.Seq[field] {
	return func(yield func(field) bool) {
		if v.Kind() != Object {
			return
		}
		text := v.text()
		for i := skipSpace(text, v.start+1); text[i] != '}'; {
			keyEnd := skipValue(text, i)
			start := skipSpace(text, skipSpace(text, keyEnd)+1)
			end := skipValue(text, start)
			if !yield(field{Value{v.text, i, keyEnd}, Value{v.text, start, end}}) {
				return
			}
			i = skipComma(text, end)
		}
	}
}

// field returns the last member with the given key.
func (v Value) field(key string) (found field, ok bool) {
	for f := range v.fields() {
		if f.key.spells(key) {
			found, ok = f, true
		}
	}
	return found, ok
}

// step is the field with the given key, or in an array the element with that
// number, which has no key.
func (v Value) step(key string) (found field, ok bool) {
	if v.Kind() != Array {
		return v.field(key)
	}
	i, err := strconv.Atoi(key)
	elements := v.Elements()
	if err != nil || i < 0 || i >= len(elements) || strconv.Itoa(i) != key {
		return field{}, false
	}
	return field{value: elements[i]}, true
}

// equal reports whether both say the same: strings after decoding, numbers by
// their exact value, arrays element by element and objects member by member
// in the same order.
func equal(a, b Value) bool {
	if a.Kind() != b.Kind() {
		return false
	}
	if slices.Equal(a.Bytes(), b.Bytes()) {
		return true
	}
	switch a.Kind() {
	case String:
		s, _ := a.decode()
		t, _ := b.decode()
		return s == t
	case Number:
		x, ok := a.decimal()
		y, ok2 := b.decimal()
		return ok && ok2 && x == y
	case Array:
		return slices.EqualFunc(a.Elements(), b.Elements(), equal)
	case Object:
		return slices.EqualFunc(a.Members(), b.Members(), func(m, n Member) bool {
			return m.Key == n.Key && equal(m.Value, n.Value)
		})
	}
	return false
}
