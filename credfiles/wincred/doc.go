// Package wincred reads and replaces secrets of other programs in the Windows
// Credential Manager, as Rust's keyring crate keeps them there: a generic
// credential with the name ACCOUNT.SERVICE, whose blob is a text in UTF-16LE
// (3.6.3, source). On other systems it is empty.
package wincred
