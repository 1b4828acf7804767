package exchange

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"time"

	"github.com/go-jose/go-jose/v4"
	claims "github.com/go-jose/go-jose/v4/jwt"

	"lamplighter/credfiles"
)

// assertionType is client_assertion_type (RFC 7523 section 2.2).
const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// assertionLife is how long an assertion is good for: the longest that Entra ID
// recommends, and more than any clock is off.
const assertionLife = 5 * time.Minute

// assertion is the JWT by which a client proves who it is (RFC 7523 section 3),
// signed with the private key in key, a PEM text. A certificate beside it goes
// into the header as its thumbprint, by which Entra ID finds the public key.
func assertion(p Post, key credfiles.Secret) (string, error) {
	private, certificate, err := keyIn(key)
	if err != nil {
		return "", err
	}
	algorithm, err := algorithmOf(private)
	if err != nil {
		return "", err
	}
	options := (&jose.SignerOptions{}).WithType("JWT")
	if p.KeyID != "" {
		options = options.WithHeader("kid", p.KeyID)
	}
	if certificate != nil {
		sum := sha256.Sum256(certificate)
		options = options.WithHeader("x5t#S256", base64.RawURLEncoding.EncodeToString(sum[:]))
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: private}, options)
	if err != nil {
		return "", errBadKey
	}
	now := time.Now()
	return claims.Signed(signer).Claims(claims.Claims{
		Issuer: p.ClientID, Subject: p.ClientID, Audience: claims.Audience{p.AssertFor}, ID: rand.Text(),
		IssuedAt: claims.NewNumericDate(now), NotBefore: claims.NewNumericDate(now), Expiry: claims.NewNumericDate(now.Add(assertionLife)),
	}).Serialize()
}

var errBadKey = errors.New("the private key is no RSA, ECDSA or Ed25519 key in PEM without a passphrase")

// keyIn reads PEM: the first private key, and the first certificate if there
// is one.
func keyIn(key credfiles.Secret) (private any, certificate []byte, err error) {
	rest := []byte(key.Reveal())
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		switch block.Type {
		case "CERTIFICATE":
			if certificate == nil {
				certificate = block.Bytes
			}
		case "PRIVATE KEY":
			private, err = x509.ParsePKCS8PrivateKey(block.Bytes)
		case "RSA PRIVATE KEY":
			private, err = x509.ParsePKCS1PrivateKey(block.Bytes)
		case "EC PRIVATE KEY":
			private, err = x509.ParseECPrivateKey(block.Bytes)
		}
		if err != nil {
			return nil, nil, errBadKey
		}
	}
	if private == nil {
		return nil, nil, errBadKey
	}
	return private, certificate, nil
}

// algorithmOf is the JWS algorithm for a key (RFC 7518 section 3.1, RFC 8037),
// of those for RSA the one that every server takes.
func algorithmOf(private any) (jose.SignatureAlgorithm, error) {
	switch k := private.(type) {
	case *rsa.PrivateKey:
		return jose.RS256, nil
	case ed25519.PrivateKey:
		return jose.EdDSA, nil
	case *ecdsa.PrivateKey:
		switch k.Curve.Params().BitSize {
		case 256:
			return jose.ES256, nil
		case 384:
			return jose.ES384, nil
		case 521:
			return jose.ES512, nil
		}
	}
	return "", errBadKey
}
