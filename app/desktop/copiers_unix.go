//go:build unix && !darwin

package desktop

// copiers are the programs to try, in this order, and which of them to install
// where there is none.
func copiers(getenv func(string) string) (commands [][]string, install string) {
	if getenv("DISPLAY") != "" {
		// They cannot offer KDE's hint beside the text.
		commands, install = [][]string{{"xclip", "-selection", "clipboard"}, {"xsel", "--clipboard", "--input"}}, "xclip"
	}
	if getenv("WAYLAND_DISPLAY") != "" {
		// wl-clipboard has --sensitive, which sets KDE's hint
		// (x-kde-passwordManagerHint), since 2.3.0; others refuse it.
		plain := []string{"wl-copy", "--type", "text/plain"}
		commands, install = append([][]string{append(plain[:3:3], "--sensitive"), plain}, commands...), "wl-clipboard"
	}
	return commands, install
}
