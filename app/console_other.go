//go:build !windows

package app

// leaveConsole is for Windows, where a console can be there for one program.
func (p *program) leaveConsole() {}
