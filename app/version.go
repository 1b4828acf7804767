package app

import (
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

func (p *program) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			p.printf("lamplighter %s", p.version)
			if build, ok := debug.ReadBuildInfo(); ok {
				for _, s := range build.Settings {
					if s.Key == "vcs.revision" {
						p.printf(" (%.12s)", s.Value)
					}
				}
			}
			p.printf(" %s %s/%s\n", runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return nil
		},
	}
}
