package app

import (
	"lamplighter/app/settings"
	"lamplighter/refresher"
)

// policyOf is what the settings say to the refresher.
func policyOf(s settings.Settings) refresher.Policy {
	overrides := map[string]refresher.Override{}
	for id, o := range s.Overrides {
		overrides[id] = refresher.Override(o)
	}
	return refresher.Policy{
		Mode: s.Mode, PausedUntil: s.PausedUntil, Overrides: overrides,
		LeadLeast: s.Lead.Least, LeadMost: s.Lead.Most, LeadShare: s.Lead.Share,
		LogSize: s.Log.MaxSize, LogKeep: s.Log.Keep,
	}
}
