//go:build cgo && (windows || darwin)

package main

func keepFromBus() {}
