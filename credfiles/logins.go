package credfiles

import "lamplighter/credfiles/jsonedit"

// What follows are logins in plain files that their own programs renew, and
// nothing else of these programs: shown with their ends and the command that
// signs in. None of these was run here.

// gcloud is Google's Cloud CLI: the Application Default Credentials of a user,
// which Google's libraries read. The file has no access token, and Google does not
// replace the refresh token: each program gets access tokens of its own with it,
// and nothing tells when the login ends (source: google-auth,
// google/oauth2/credentials.py). Its own login is in SQLite, which is not read.
var gcloud = client{
	name:  "gcloud",
	title: "Google Cloud CLI",
	dir:   ".config/gcloud",
	dirOn: map[string]string{"windows": "AppData/Roaming/gcloud"},
	env:   "CLOUDSDK_CONFIG",
	vars:  []variable{{name: "APPDATA", below: "gcloud", os: "windows"}},
	seen:  "google-auth of 2026",

	files: []file{{
		name: "application_default_credentials.json",
		// A service account's key, and what else may stand there, has no refresh
		// token.
		kinds: []kind{{
			name: "login", single: true, watchOnly: VendorLogin,
			fields: fields{refresh: at("refresh_token")},
			adopt: func(c *Credential, _ jsonedit.Value, _ joined) {
				c.Name = "application-default"
			},
		}},
	}},

	signIn: func(Credential) []string {
		return []string{"gcloud", "auth", "application-default", "login"}
	},
	noBrowser: "--no-launch-browser",
}

// kiro is the Kiro IDE. It watches the file, refreshes by itself and is signed in
// to in its own window (as people report; the IDE is closed). The logins of Kiro CLI
// and Amazon Q are in SQLite, which is not read.
var kiro = client{
	name:  "kiro",
	title: "Kiro",
	dir:   ".aws/sso/cache",
	seen:  "reports of 2026",

	files: []file{{
		name: "kiro-auth-token.json",
		kinds: []kind{{
			name: "login", single: true, watchOnly: VendorLogin,
			fields: fields{
				access: at("accessToken"), refresh: at("refreshToken"),
				expiry: at("expiresAt"), unit: dateText,
			},
		}},
	}},

	signIn: func(Credential) []string { return nil },
}

// kimi is Kimi CLI: its login, which a running session refreshes as soon as half
// of its life is over (kimi-cli 1.x, src/kimi_cli/auth/oauth.py).
var kimi = client{
	name:  "kimi",
	title: "Kimi CLI",
	dir:   ".kimi",
	env:   "KIMI_SHARE_DIR",
	seen:  "kimi-cli 4a550ef",

	files: []file{{
		name: "credentials/kimi-code.json",
		kinds: []kind{{
			name: "login", single: true, watchOnly: VendorLogin,
			fields: fields{
				access: at("access_token"), refresh: at("refresh_token"), scope: at("scope"),
				expiry: at("expires_at"), unit: seconds,
			},
		}},
	}},

	signIn: func(Credential) []string { return []string{"kimi", "login"} },
}

// oauthCreds is the login of Gemini CLI, and of Qwen Code: beside their logins
// to MCP servers. Both refresh by themselves, Gemini CLI through Google's library
// (packages/core/src/code_assist/oauth2.ts), Qwen Code 30 s before the end
// (packages/core/src/qwen/qwenOAuth2.ts). No command line of theirs signs in.
var oauthCreds = file{
	name: "oauth_creds.json",
	kinds: []kind{{
		name: "login", single: true, watchOnly: VendorLogin,
		fields: fields{
			access: at("access_token"), refresh: at("refresh_token"), scope: at("scope"), expiry: at("expiry_date"),
		},
	}},
}

// opencodeLogin is opencode's logins to the makers of models, by their names:
// those of type "oauth", which it refreshes when it uses them (1.18.33,
// packages/opencode/src/auth/index.ts). Keys have no end, and are not shown.
var opencodeLogin = file{
	name: "auth.json",
	kinds: []kind{{
		name: "login", keyed: true, watchOnly: VendorLogin,
		fields: fields{access: at("access"), refresh: at("refresh"), expiry: at("expires")},
	}},
}
