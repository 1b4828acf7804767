package app

import (
	"os"
	"os/exec"

	"github.com/spf13/cobra"

	"lamplighter/app/instance"
	"lamplighter/app/model"
	"lamplighter/app/notice"
	"lamplighter/app/settings"
)

// systemCommands has one that shows a toast, and is what the click on a toast
// starts: a process of its own for each, so that what goes wrong there cannot
// reach the keeper.
func (p *program) systemCommands() []*cobra.Command {
	var clicked string
	c := &cobra.Command{
		Use:    "notice",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return notice.Main(thisApp(), clicked, os.Stdin, p.passOn)
		},
	}
	c.Flags().StringVar(&clicked, "clicked", "", "what was clicked")
	return []*cobra.Command{c}
}

// passOn hands what a person chose on a toast to the tray app, which is started
// where it does not run.
func (p *program) passOn(a notice.Answer) error {
	_, state, err := settings.Paths(settings.Env{OS: p.host.OS, Home: p.host.Home, Getenv: p.host.Getenv})
	if err != nil {
		return err
	}
	r := instance.Request{Do: model.Open, ID: a.Tag, Token: a.Token}
	if a.What == notice.Button {
		r.Do = model.Login
	}
	if err := instance.Ask(state, r); err != nil {
		return err
	}
	one, err := instance.Claim(state)
	if err != nil {
		return nil // it runs, and has been asked
	}
	one.Close()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	return exec.Command(self, "--at-login").Start()
}
