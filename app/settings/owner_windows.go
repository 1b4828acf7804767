package settings

import "os"

// writableByOthers is always "": the config stands below the user's profile,
// whose access list names the user, the system and administrators.
func writableByOthers(string, os.FileInfo) string { return "" }

// Secure makes dir if it is missing. What is below the user's profile inherits
// an access list that names the user, the system and administrators, so there
// is nothing to repair.
func Secure(dir string) (repaired []string, err error) { return nil, os.MkdirAll(dir, 0o700) }
