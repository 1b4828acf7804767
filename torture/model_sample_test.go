//go:build !torture

package torture_test

// everything is whether the long runs are wanted: all rounds, every byte, and
// the program's own deadlines waited for. This is the sample of every day.
const everything = false
