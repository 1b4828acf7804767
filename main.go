// Lamplighter keeps the OAuth tokens of AI clients alive.
package main

import (
	_ "embed"
	"os"

	"lamplighter/app"
)

// about is the one source of name and version, for this program and for the
// window.
//
//go:embed FyneApp.toml
var about []byte

func main() { os.Exit(app.Main(about, os.Args[1:])) }
