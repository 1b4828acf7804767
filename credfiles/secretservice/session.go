package secretservice

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"math/big"

	"github.com/godbus/dbus/v5"
)

// A session is how secrets travel between the service and us. It ends with the
// connection, and with the service.
type session struct {
	of   string // the unique name of the service
	path dbus.ObjectPath
	key  []byte // nil where secrets travel as they are
}

// secret is a secret on its way, as the API has it.
type secret struct {
	Session     dbus.ObjectPath
	Parameters  []byte
	Value       []byte
	ContentType string
}

// The algorithms: on a bus that only its user reaches a secret travels as it
// is, unless the service insists on the other.
const (
	plain     = "plain"
	encrypted = "dh-ietf1024-sha256-aes128-cbc-pkcs7"
)

// enter makes sure that there is a session with this service.
func (s *Service) enter(ctx context.Context, o owner) (err error) {
	if s.session.of != o.name {
		s.session, err = open(ctx, o)
	}
	return err
}

// open begins a session.
func open(ctx context.Context, o owner) (session, error) {
	s := session{of: o.name}
	var output dbus.Variant
	err := o.call(ctx, servicePath, serviceInterface+".OpenSession", plain, dbus.MakeVariant("")).Store(&output, &s.path)
	var e dbus.Error
	if errors.As(err, &e) && e.Name == busName+".Error.NotSupported" {
		return s.exchange(ctx, o)
	}
	return s, err
}

// prime is the Second Oakley Group's (RFC 2409 section 6.2), of which 2 is the
// generator.
var prime, _ = new(big.Int).SetString(
	"FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74"+
		"020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F1437"+
		"4FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"+
		"EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE65381FFFFFFFFFFFFFFFF", 16)

// exchange begins a session with a key that travels over the bus in no form.
func (s session) exchange(ctx context.Context, o owner) (session, error) {
	private := make([]byte, 128)
	rand.Read(private)
	x := new(big.Int).SetBytes(private)
	public := new(big.Int).Exp(big.NewInt(2), x, prime)
	var output dbus.Variant
	err := o.call(ctx, servicePath, serviceInterface+".OpenSession", encrypted, dbus.MakeVariant(public.Bytes())).Store(&output, &s.path)
	if err != nil {
		return s, err
	}
	theirs, ok := output.Value().([]byte)
	if !ok {
		return s, errSession
	}
	shared := new(big.Int).Exp(new(big.Int).SetBytes(theirs), x, prime).FillBytes(make([]byte, 128))
	s.key, err = hkdf.Key(sha256.New, shared, nil, "", 16)
	return s, err
}

var errSession = errors.New("the keyring's secrets travel in a way that is not known here")

// seal makes a secret ready to travel.
func (s session) seal(text []byte) (secret, error) {
	if s.key == nil {
		return secret{Session: s.path, Parameters: []byte{}, Value: text}, nil
	}
	block, err := aes.NewCipher(s.key)
	if err != nil {
		return secret{}, err
	}
	pad := aes.BlockSize - len(text)%aes.BlockSize
	value := append(bytes.Clone(text), bytes.Repeat([]byte{byte(pad)}, pad)...)
	iv := make([]byte, aes.BlockSize)
	rand.Read(iv)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(value, value)
	return secret{Session: s.path, Parameters: iv, Value: value}, nil
}

// unseal is its counterpart.
func (s session) unseal(got secret) ([]byte, error) {
	if s.key == nil {
		return got.Value, nil
	}
	block, err := aes.NewCipher(s.key)
	if err != nil {
		return nil, err
	}
	text := bytes.Clone(got.Value)
	if len(got.Parameters) != aes.BlockSize || len(text) == 0 || len(text)%aes.BlockSize != 0 {
		return nil, errSession
	}
	cipher.NewCBCDecrypter(block, got.Parameters).CryptBlocks(text, text)
	pad := int(text[len(text)-1])
	if pad == 0 || pad > aes.BlockSize {
		return nil, errSession
	}
	return text[:len(text)-pad], nil
}
