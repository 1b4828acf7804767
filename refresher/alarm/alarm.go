// Package alarm rings at a time of the wall clock. A timer of the runtime
// counts the time that the computer is awake, and on Linux it wakes a process
// several times for each time it fires: the kernel lets a wait for events end a
// thousandth later than asked, and Go's scheduler looks every 10 ms whether it
// has not ended yet (Go 1.26: 0.24 wakeups a second for one tick a minute, of
// which 0.03 are the runtime's own; the kernel's own timer adds 0.02).
package alarm
