package credfiles

// clients is the table: one row a client.
var clients = []*client{
	&codex,
	&claude,
	&mcpRemote,
	&gemini,
	&qwen,
}

// ClientNames lists the table, for the config's checks.
func ClientNames() []string {
	var names []string
	for _, c := range clients {
		names = append(names, c.name)
	}
	return names
}

// Title is a client's name as its makers write it.
func Title(name string) string {
	for _, c := range clients {
		if c.name == name {
			return c.title
		}
	}
	return name
}
