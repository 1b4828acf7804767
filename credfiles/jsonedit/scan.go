package jsonedit

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"unicode/utf8"
)

// maxDepth is how many arrays and objects may be open at once. The stores of
// the clients need a handful; without a limit a hostile text would choose how
// large our stack grows.
const maxDepth = 200

// An ErrorKind is what is wrong with a text.
type ErrorKind string

// What can be wrong with a text.
const (
	Empty        ErrorKind = "no value"               // nothing, or only white space
	Truncated    ErrorKind = "the text ends too soon" // what is there could go on as JSON
	BOM          ErrorKind = "byte order mark"        // RFC 8259 section 8.1 leaves it to the reader
	NotUTF8      ErrorKind = "not UTF-8"
	Syntax       ErrorKind = "syntax error"
	TrailingData ErrorKind = "data after the value"
	TooDeep      ErrorKind = "nested too deep" // more than 200 levels
)

// A SyntaxError says why a text is not taken as JSON, and where. It never
// holds any of the text, which may be a secret.
type SyntaxError struct {
	Kind   ErrorKind
	Offset int // how many bytes stand before the fault
	Line   int // the line of the fault, from 1
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("invalid JSON: %s (line %d, byte offset %d)", e.Kind, e.Line, e.Offset)
}

// Parse accepts what RFC 8259 accepts: one value with white space around it.
// The text must be UTF-8 without a byte order mark, and at most 200 arrays
// and objects deep. Any error is a [*SyntaxError]. The time is linear in the
// length of the text, the memory constant. The Value refers to text.
func Parse(text []byte) (Value, error) {
	s := scanner{text: text}
	v, kind := s.document()
	if kind != "" {
		line := 1 + bytes.Count(text[:s.pos], []byte{'\n'})
		return Value{}, &SyntaxError{kind, s.pos, line}
	}
	return v, nil
}

// A scanner checks a text. Its methods go past what they are named for and
// return "", or stop at the fault and return its kind.
type scanner struct {
	text []byte
	pos  int
}

func (s *scanner) document() (Value, ErrorKind) {
	if bytes.HasPrefix(s.text, []byte("\uFEFF")) {
		return Value{}, BOM
	}
	start := s.skipSpace()
	if start == len(s.text) {
		return Value{}, Empty
	}
	if kind := s.value(0); kind != "" {
		return Value{}, kind
	}
	end := s.pos
	if s.skipSpace() < len(s.text) {
		return Value{}, TrailingData
	}
	return newValue(s.text, start, end), ""
}

func (s *scanner) value(depth int) ErrorKind {
	switch s.peek() {
	case '{':
		return s.list(depth, '}', s.member)
	case '[':
		return s.list(depth, ']', s.value)
	case '"':
		return s.string()
	case 't':
		return s.literal("true")
	case 'f':
		return s.literal("false")
	case 'n':
		return s.literal("null")
	}
	return s.number()
}

// list goes past an array or object, whose items are at depth+1.
func (s *scanner) list(depth int, closing byte, item func(depth int) ErrorKind) ErrorKind {
	if depth == maxDepth {
		return TooDeep
	}
	s.pos++
	s.skipSpace()
	if s.peek() == closing {
		s.pos++
		return ""
	}
	for {
		if kind := item(depth + 1); kind != "" {
			return kind
		}
		s.skipSpace()
		switch s.peek() {
		case closing:
			s.pos++
			return ""
		case ',':
			s.pos++
			s.skipSpace()
		default:
			return s.fault()
		}
	}
}

func (s *scanner) member(depth int) ErrorKind {
	if s.peek() != '"' {
		return s.fault()
	}
	if kind := s.string(); kind != "" {
		return kind
	}
	s.skipSpace()
	if s.peek() != ':' {
		return s.fault()
	}
	s.pos++
	s.skipSpace()
	return s.value(depth)
}

func (s *scanner) string() ErrorKind {
	s.pos++
	for {
		for s.pos+8 <= len(s.text) && plain(binary.LittleEndian.Uint64(s.text[s.pos:])) {
			s.pos += 8
		}
		c := s.peek()
		switch {
		case c == '"':
			s.pos++
			return ""
		case c == '\\':
			s.pos++
			if kind := s.escape(); kind != "" {
				return kind
			}
		case c < ' ':
			return s.fault()
		case c < utf8.RuneSelf:
			s.pos++
		default:
			r, size := utf8.DecodeRune(s.text[s.pos:])
			if r == utf8.RuneError && size == 1 {
				return s.fault()
			}
			s.pos += size
		}
	}
}

// plain reports whether eight bytes at once are ASCII without controls, quote
// and backslash. Tokens are long, and hold nothing else.
func plain(eight uint64) bool {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	quote, backslash := eight^'"'*ones, eight^'\\'*ones
	// In x-n a byte borrows, and so gets its high bit, if it is below n. What a
	// borrow does to the bytes above it no longer matters then.
	return ((eight-' '*ones)|(quote-ones)|(backslash-ones)|eight)&high == 0
}

// escape goes past what follows a backslash.
func (s *scanner) escape() ErrorKind {
	switch s.peek() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.pos++
		return ""
	case 'u':
		s.pos++
		for range 4 {
			if !isHex(s.peek()) {
				return s.fault()
			}
			s.pos++
		}
		return ""
	}
	return s.fault()
}

func (s *scanner) literal(word string) ErrorKind {
	for i := range len(word) {
		if s.peek() != word[i] {
			return s.fault()
		}
		s.pos++
	}
	return ""
}

func (s *scanner) number() ErrorKind {
	if s.peek() == '-' {
		s.pos++
	}
	if s.peek() == '0' {
		s.pos++
	} else if kind := s.digits(); kind != "" {
		return kind
	}
	if s.peek() == '.' {
		s.pos++
		if kind := s.digits(); kind != "" {
			return kind
		}
	}
	if c := s.peek(); c == 'e' || c == 'E' {
		s.pos++
		if c := s.peek(); c == '+' || c == '-' {
			s.pos++
		}
		return s.digits()
	}
	return ""
}

// digits goes past one or more.
func (s *scanner) digits() ErrorKind {
	if !isDigit(s.peek()) {
		return s.fault()
	}
	for isDigit(s.peek()) {
		s.pos++
	}
	return ""
}

// peek returns the next byte, or 0 at the end of the text: a NUL is allowed
// nowhere in JSON, so that both are faults.
func (s *scanner) peek() byte {
	if s.pos < len(s.text) {
		return s.text[s.pos]
	}
	return 0
}

// fault returns what is wrong with the next byte, which is not allowed here.
func (s *scanner) fault() ErrorKind {
	rest := s.text[s.pos:]
	if !utf8.FullRune(rest) {
		return Truncated
	}
	if r, size := utf8.DecodeRune(rest); r == utf8.RuneError && size == 1 {
		return NotUTF8
	}
	return Syntax
}

func (s *scanner) skipSpace() int {
	s.pos = skipSpace(s.text, s.pos)
	return s.pos
}

// space is what may stand between tokens (RFC 8259 section 2).
const space = " \t\n\r"

// skipSpace returns where the white space at i ends.
func skipSpace(text []byte, i int) int {
	for i < len(text) && (text[i] == ' ' || text[i] == '\n' || text[i] == '\r' || text[i] == '\t') {
		i++
	}
	return i
}

// skipComma returns where the next item begins, or the closing bracket is,
// after an item that ends at i. The text must be valid.
func skipComma(text []byte, i int) int {
	if i = skipSpace(text, i); text[i] == ',' {
		i = skipSpace(text, i+1)
	}
	return i
}

// skipValue returns where the value that begins at i ends. The text must be
// valid, so that counting brackets is enough.
func skipValue(text []byte, i int) int {
	depth := 0
	for {
		switch text[i] {
		case '"':
			i = skipString(text, i)
		case '{', '[':
			depth++
			i++
		case '}', ']':
			depth--
			i++
		case ',', ':', ' ', '\n', '\r', '\t':
			i++
		default:
			i = skipWord(text, i)
		}
		if depth == 0 {
			return i
		}
	}
}

// skipString returns where the string that begins at i ends: at the first quote
// that no odd number of backslashes stands before.
func skipString(text []byte, i int) int {
	for begin := i + 1; ; {
		i += 1 + bytes.IndexByte(text[i+1:], '"')
		escapes := 0
		for i-escapes > begin && text[i-escapes-1] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			return i + 1
		}
	}
}

// skipWord returns where the number, true, false or null at i ends.
func skipWord(text []byte, i int) int {
	for i < len(text) && (isDigit(text[i]) || isLetter(text[i]) || bytes.IndexByte([]byte("+-."), text[i]) >= 0) {
		i++
	}
	return i
}

func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
func isHex(c byte) bool    { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }
