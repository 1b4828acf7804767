package settings

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// encode writes a value as TOML does.
func encode(value any) (string, error) {
	switch v := value.(type) {
	case string:
		if !utf8.ValidString(v) {
			return "", fmt.Errorf("a text that is not UTF-8 cannot be a setting")
		}
		return quote(v), nil
	case bool:
		return strconv.FormatBool(v), nil
	case int:
		return strconv.Itoa(v), nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return "", fmt.Errorf("%v cannot be a setting", v)
		}
		s := strconv.FormatFloat(v, 'g', -1, 64)
		if !strings.ContainsAny(s, ".e") {
			s += ".0"
		}
		return s, nil
	case time.Time:
		if y := v.Year(); y < 0 || y > 9999 {
			return "", fmt.Errorf("the year %d cannot be a setting", y)
		}
		if _, offset := v.Zone(); offset%60 != 0 { // TOML has minutes only
			v = v.UTC()
		}
		return v.Format(time.RFC3339Nano), nil
	case []string:
		list := make([]string, len(v))
		for i, s := range v {
			var err error
			if list[i], err = encode(s); err != nil {
				return "", err
			}
		}
		return "[" + strings.Join(list, ", ") + "]", nil
	}
	return "", fmt.Errorf("a %T cannot be a setting", value)
}

// quote writes a basic string. JSON's escapes are all TOML's too; only DEL
// stays bare in JSON and must not in TOML.
func quote(s string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.Encode(s) // a string cannot fail
	return strings.ReplaceAll(strings.TrimSuffix(b.String(), "\n"), "\x7f", `\u007f`)
}

// quoteKey writes a key, bare where TOML allows it.
func quoteKey(key string) string {
	bare := key != "" && strings.Trim(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") == ""
	if bare {
		return key
	}
	return quote(key)
}
