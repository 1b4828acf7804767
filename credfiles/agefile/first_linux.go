package agefile

import "os"

// goFirst makes this process the one that the kernel ends where memory runs
// out, and none of the user's.
func goFirst() { os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0) }
