package autostart

import (
	"fmt"
	"slices"
	"strings"
)

// desktop is a new desktop entry. Plasma starts it after the panel, where the
// icon goes.
func (e Entry) desktop() string {
	return fmt.Sprintf(`[Desktop Entry]
Type=Application
Name=%s
Comment=%s
Icon=%s
Exec=%s
TryExec=%s
Terminal=false
StartupNotify=false
X-GNOME-Autostart-enabled=true
X-KDE-autostart-after=panel
`, escape(e.Name), escape(e.Comment), escape(e.ID), command(e.command()), escape(e.Executable))
}

// command writes the value of Exec: each argument that has to be is put in
// quotes, in which four characters have a backslash before them; a percent sign
// is doubled; and the whole is a string value.
func command(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		w = strings.ReplaceAll(w, "%", "%%")
		if w == "" || strings.ContainsAny(w, " \t\"'\\><~|&;$*?#()`") {
			w = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "`", "\\`", `$`, `\$`).Replace(w) + `"`
		}
		quoted[i] = w
	}
	return escape(strings.Join(quoted, " "))
}

// escape writes a string value.
func escape(text string) string {
	text = strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\t", `\t`, "\r", `\r`).Replace(text)
	if strings.HasPrefix(text, " ") {
		text = `\s` + text[1:]
	}
	return text
}

func unescape(value string) string {
	return strings.NewReplacer(`\\`, `\`, `\s`, " ", `\n`, "\n", `\t`, "\t", `\r`, "\r").Replace(value)
}

// split reads the value of Exec. Field codes, which stand for files to open,
// are none at login.
func split(value string) (words []string) {
	text := unescape(value)
	var word strings.Builder
	begun, quoted := false, false
	end := func() {
		if begun {
			words = append(words, word.String())
		}
		word.Reset()
		begun = false
	}
	for i := 0; i < len(text); i++ {
		c := text[i]
		next := byte(0)
		if i+1 < len(text) {
			next = text[i+1]
		}
		switch {
		case c == '"':
			begun, quoted = true, !quoted
		case quoted && c == '\\' && strings.IndexByte("\"`$\\", next) >= 0 && next != 0:
			word.WriteByte(next)
			i++
		case c == '%' && next != 0:
			if next == '%' {
				word.WriteByte('%')
				begun = true
			}
			i++
		case c == ' ' && !quoted:
			end()
		default:
			word.WriteByte(c)
			begun = true
		}
	}
	end()
	return words
}

// A desktopEntry is the lines of one. Only the group [Desktop Entry] counts.
type desktopEntry struct{ lines []string }

const group = "[Desktop Entry]"

func parseDesktop(text string) *desktopEntry {
	d := &desktopEntry{strings.SplitAfter(text, "\n")}
	if from, _ := d.body(); from < 0 {
		d.lines = append([]string{group + "\n", "Type=Application\n"}, d.lines...)
	}
	return d
}

func (d *desktopEntry) String() string { return strings.Join(d.lines, "") }

// body is where the group's lines begin and end; from is negative where there
// is no such group.
func (d *desktopEntry) body() (from, to int) {
	from = slices.IndexFunc(d.lines, func(l string) bool { return strings.TrimSpace(l) == group })
	if from < 0 {
		return -1, -1
	}
	from++
	for to = from; to < len(d.lines) && !strings.HasPrefix(d.lines[to], "["); to++ {
	}
	return from, to
}

// find is the line of a key; of several the last, as GLib reads it.
func (d *desktopEntry) find(key string) (at int, value string) {
	from, to := d.body()
	for at = to - 1; at >= from; at-- {
		name, value, ok := strings.Cut(d.lines[at], "=")
		if ok && strings.TrimSpace(name) == key {
			return at, strings.TrimSpace(value)
		}
	}
	return -1, ""
}

func (d *desktopEntry) value(key string) string {
	_, value := d.find(key)
	return value
}

// set gives a key its value, in its line if it has one.
func (d *desktopEntry) set(key, value string) {
	line := key + "=" + value + "\n"
	if at, _ := d.find(key); at >= 0 {
		d.lines[at] = line
		return
	}
	from, to := d.body()
	for to > from && strings.TrimSpace(d.lines[to-1]) == "" {
		to--
	}
	if last := to - 1; !strings.HasSuffix(d.lines[last], "\n") {
		d.lines[last] += "\n"
	}
	d.lines = slices.Insert(d.lines, to, line)
}

// The keys by which an entry is off: Hidden is the specification's, gnome what
// GNOME and its kin write. tryExec is a program without which it is.
const (
	hidden  = "Hidden"
	gnome   = "X-GNOME-Autostart-enabled"
	tryExec = "TryExec"
)

func (d *desktopEntry) on() bool { return d.value(hidden) != "true" && d.value(gnome) != "false" }

// starts heeds TryExec, without whose program a desktop passes over the entry.
func (d *desktopEntry) starts() bool {
	try := unescape(d.value(tryExec))
	return there(d.words()) && (try == "" || there([]string{try}))
}

func (d *desktopEntry) words() []string { return split(d.value("Exec")) }

func (d *desktopEntry) turn(on bool) {
	if !on {
		d.set(hidden, "true")
		return
	}
	for at, _ := d.find(hidden); at >= 0; at, _ = d.find(hidden) {
		d.lines = slices.Delete(d.lines, at, at+1)
	}
	if d.value(gnome) == "false" {
		d.set(gnome, "true")
	}
}

func (d *desktopEntry) point(e Entry) {
	if words := d.words(); e.moved(words) {
		d.set("Exec", command(e.command()))
	}
	if try := d.value(tryExec); try != "" && unescape(try) != e.Executable {
		d.set(tryExec, escape(e.Executable))
	}
}
