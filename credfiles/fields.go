package credfiles

import "lamplighter/credfiles/jsonedit"

// in are the fields as they stand in one entry: of the places where a value
// may stand, the first that is there, else the first of all.
func (k *kind) in(e jsonedit.Value) fields {
	f := k.fields
	for i := range k.or {
		for j, place := range f.places() {
			if other := *k.or[i].places()[j]; !there(e, *place) && there(e, other) {
				*place = other
			}
		}
	}
	return f
}

// there reports that something stands at a place.
func there(e jsonedit.Value, place []string) bool {
	if len(place) == 0 {
		return false
	}
	v, ok := e.Get(place...)
	return ok && v.Kind() != jsonedit.Null
}

// places are all of them, always in the same order; those of copies and stamps
// have no others.
func (f *fields) places() []*[]string {
	return []*[]string{
		&f.name, &f.server, &f.issuer, &f.clientID, &f.clientSecret, &f.authMethod, &f.tokenURL,
		&f.access, &f.refresh, &f.expiry, &f.refreshExpiry, &f.lifetime, &f.since,
		&f.scope, &f.metadata, &f.resourceMetadata, &f.redirect, &f.found,
	}
}
