//go:build !darwin || cgo

package window

import (
	"reflect"
	"strings"
	"unicode"

	"lamplighter/app/model"
)

// clean makes what strangers named safe to show and to copy: a name may hold
// line breaks, or turn the direction of the text so that it reads as another.
// Keys stay, they go back with an Action; so do the settings, which are the
// user's own words.
func clean(m *model.Model) {
	settings := m.Settings
	m.Settings = nil
	cleanAll(reflect.ValueOf(m).Elem())
	m.Settings = settings
}

func cleanAll(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		if text := v.String(); strings.ContainsFunc(text, odd) {
			v.SetString(strings.Map(even, text))
		}
	case reflect.Pointer:
		if !v.IsNil() {
			cleanAll(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			cleanAll(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && f.Name != "Key" {
				cleanAll(v.Field(i))
			}
		}
	}
}

// turning are the characters that turn the direction of text (UAX #9): marks,
// embeddings, overrides and isolates.
func turning(r rune) bool { return unicode.Is(unicode.Bidi_Control, r) }

func odd(r rune) bool { return unicode.IsControl(r) || turning(r) }

func even(r rune) rune {
	switch {
	case turning(r):
		return -1
	case unicode.IsControl(r):
		return ' '
	}
	return r
}
