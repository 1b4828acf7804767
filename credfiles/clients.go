package credfiles

import "slices"

// clients is the table: one row a client.
var clients = []*client{
	&codex,
	&claude,
	&mcpRemote,
	&gemini,
	&qwen,
	&opencode,
	&cline,
	&hermes,
	&crush,
	&amazonQ,
	&copilot,
}

// watched are the rows of clients of which we write nothing.
var watched = []*client{
	&aws,
	&azure,
	&gcloud,
	&kiro,
	&kimi,
}

// table is the whole of it, with the user's own.
func table() []*client { return slices.Concat(clients, watched, ownClients()) }

// ClientNames lists the table but for the user's own, for the config's checks.
func ClientNames() []string {
	var names []string
	for _, c := range slices.Concat(clients, watched) {
		names = append(names, c.name)
	}
	return names
}

// Title is a client's name as its makers write it.
func Title(name string) string {
	for _, c := range table() {
		if c.name == name {
			return c.title
		}
	}
	if name == OwnClient {
		return "Lamplighter"
	}
	return name
}
