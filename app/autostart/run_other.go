//go:build !windows

package autostart

import "errors"

var errRegistry = errors.New("only Windows has a registry")

func (Entry) runWords() ([]string, error) { return nil, errRegistry }
func (Entry) runEnabled() (bool, error)   { return false, errRegistry }
func (Entry) runEnable() error            { return errRegistry }
func (Entry) runUpdate() error            { return errRegistry }
func (Entry) runDisable() error           { return errRegistry }
