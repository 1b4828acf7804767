package exchange

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/url"
	"strings"
)

// An object is a JSON object, or a form, as far as a verdict needs it: two
// levels deep, the last of duplicate names, as every client reads them.
type object struct {
	values  map[string]any     // string, json.Number, bool or nil
	objects map[string]*object // the deeper ones are nil
	lists   map[string][]any   // of values
}

func newObject() *object {
	return &object{values: map[string]any{}, objects: map[string]*object{}, lists: map[string][]any{}}
}

func (o *object) forget(name string) {
	delete(o.values, name)
	delete(o.objects, name)
	delete(o.lists, name)
}

// text is the member's string without the space around it, "" where it is no
// string.
func (o *object) text(name string) string {
	s, _ := o.values[name].(string)
	return strings.TrimSpace(s)
}

// read parses the answer's body, leniently: by its looks more than by its
// Content-Type. It returns nil for what is neither JSON nor a form. whole is
// false where members may be missing; those there are came through whole.
func read(a Answer) (o *object, whole bool) {
	data, whole := a.Body, !a.Cut
	if bytes.HasPrefix(data, []byte{0x1f, 0x8b}) { // not asked for, so perhaps not named either
		unpacked, ok := gunzip(data)
		data, whole = unpacked, whole && ok
	}
	data = bytes.TrimSpace(bytes.TrimPrefix(data, []byte("\ufeff")))
	if len(data) == 0 {
		return nil, whole
	}
	if data[0] == '{' {
		o, whole := readJSON(data)
		if !whole && len(o.values)+len(o.objects)+len(o.lists) == 0 {
			return nil, false
		}
		return o, whole
	}
	kind, _, _ := mime.ParseMediaType(a.Header.ContentType)
	switch kind {
	case "application/x-www-form-urlencoded", "text/plain", "":
		if bytes.Contains(data, []byte("access_token=")) || bytes.Contains(data, []byte("error=")) {
			// A form does not show where it ends.
			return readForm(string(data), whole && !a.Open)
		}
	}
	return nil, whole
}

func gunzip(data []byte) (unpacked []byte, whole bool) {
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return data, true // looks like it and is not
	}
	unpacked, err = io.ReadAll(io.LimitReader(r, MaxBody))
	return unpacked, err == nil && len(unpacked) < MaxBody
}

// readJSON reads up to the end of the object or the first byte that does not
// belong there; only what stands before that is trusted. A string counts once
// its closing quote is there and nothing but a separator or the end of the
// data follows; a number at the end of the data may lack digits and does not.
func readJSON(data []byte) (top *object, whole bool) {
	type level struct {
		object *object // what its members, or its list, go into
		list   string  // the list of object that it is; empty for object itself
		name   string  // of the member being read
		named  bool
	}
	var levels []level
	skipped := 0 // levels below these that are of no interest
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	// What comes next may show that the value read last is broken.
	takeBack, lastIsText := func() {}, false
	for {
		token, err := dec.Token()
		if err != nil {
			if ended := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF); !ended || !lastIsText {
				takeBack()
			}
			return top, false
		}
		takeBack, lastIsText = func() {}, false
		delim, isDelim := token.(json.Delim)
		opens := delim == '{' || delim == '['
		switch {
		case skipped > 0:
			if opens {
				skipped++
			} else if isDelim {
				skipped--
			}
			continue
		case isDelim && !opens:
			levels = levels[:len(levels)-1]
			if len(levels) == 0 {
				return top, true
			}
			continue
		case len(levels) == 0:
			top = newObject()
			levels = append(levels, level{object: top})
			continue
		}

		in := &levels[len(levels)-1]
		o, name := in.object, in.name
		text, isText := token.(string)
		switch {
		case in.list != "" && opens:
			skipped = 1
		case in.list != "":
			o.lists[in.list] = append(o.lists[in.list], token)
		case !in.named && isText:
			// The last of duplicates counts, also where it is cut.
			o.forget(text)
			in.name, in.named = text, true
		case delim == '[' && name != "":
			in.named = false
			o.lists[name] = nil
			levels = append(levels, level{object: o, list: name})
		case delim == '{' && len(levels) == 1:
			in.named = false
			o.objects[name] = newObject()
			levels = append(levels, level{object: o.objects[name]})
		case opens:
			in.named = false
			o.objects[name] = nil
			skipped = 1
		default:
			in.named, lastIsText = false, isText
			o.values[name] = token
			takeBack = func() { delete(o.values, name) }
		}
	}
}

// readForm reads up to the first pair that is no pair. Where the form may be
// cut, the last pair is not trusted.
func readForm(s string, whole bool) (*object, bool) {
	o := newObject()
	pairs := strings.Split(s, "&")
	for i, pair := range pairs {
		if i == len(pairs)-1 && !whole {
			break
		}
		k, v, _ := strings.Cut(pair, "=")
		k, err := url.QueryUnescape(k)
		if err != nil {
			return o, false
		}
		if v, err = url.QueryUnescape(v); err != nil {
			return o, false
		}
		o.values[k] = v
	}
	return o, whole
}
