package app

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/pelletier/go-toml/v2"
	"github.com/spf13/cobra"
)

// versionIn reads the version from FyneApp.toml.
func versionIn(about []byte) string {
	var meta struct{ Details struct{ Version string } }
	if toml.Unmarshal(about, &meta) != nil || meta.Details.Version == "" {
		return "unknown"
	}
	return meta.Details.Version
}

func (p *program) versionLine() string {
	line := "lamplighter " + p.version
	if build, ok := debug.ReadBuildInfo(); ok {
		for _, s := range build.Settings {
			if s.Key == "vcs.revision" {
				line += fmt.Sprintf(" (%.12s)", s.Value)
			}
		}
	}
	return fmt.Sprintf("%s %s %s/%s", line, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

func (p *program) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  arguments(0, 0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			p.printf("%s\n", p.versionLine())
			return nil
		},
		ValidArgsFunction: completeNothing,
	}
}
