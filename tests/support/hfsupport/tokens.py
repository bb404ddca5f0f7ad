# SPDX-License-Identifier: Apache-2.0
"""Tokens and certificates of all kinds, honest and forged."""

import base64
import datetime
import hashlib
import hmac
import json

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.x509.oid import NameOID

HASHES = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}


def encode(data):
    """base64url without padding; JSON for anything but bytes."""
    if not isinstance(data, (bytes, bytearray)):
        data = json.dumps(data, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def sign(key, algorithm, text):
    """The signature of a JWS, by its name."""
    digest = HASHES[algorithm[2:]]()
    if algorithm.startswith("RS"):
        return key.sign(text, padding.PKCS1v15(), digest)
    if algorithm.startswith("PS"):
        return key.sign(text, padding.PSS(padding.MGF1(digest), digest.digest_size), digest)
    r, s = utils.decode_dss_signature(key.sign(text, ec.ECDSA(digest)))
    size = (key.curve.key_size + 7) // 8
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def make(header, payload, signer):
    """A token; signer turns the signing input into a signature."""
    text = f"{encode(header)}.{encode(payload)}"
    return f"{text}.{encode(signer(text.encode()))}"


def signed(key, algorithm, payload, **header):
    return make({"typ": "JWT", "alg": algorithm, **header}, payload, lambda text: sign(key, algorithm, text))


def hmac_signed(secret, algorithm, payload, **header):
    digest = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}[algorithm]
    return make(
        {"typ": "JWT", "alg": algorithm, **header}, payload, lambda text: hmac.new(secret, text, digest).digest()
    )


def split(token):
    """Header, payload and signature."""
    header, payload, signature = token.split(".")
    return json.loads(decode(header)), json.loads(decode(payload)), decode(signature)


def rsa_key(bits=2048):
    return rsa.generate_private_key(65537, bits)


def ec_key(curve=ec.SECP256R1):
    return ec.generate_private_key(curve())


def number(value, size=None):
    return encode(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


def public_jwk(key, kid, **members):
    """The public part as a JWK."""
    numbers = key.public_key().public_numbers()
    if isinstance(key, rsa.RSAPrivateKey):
        return {"kty": "RSA", "use": "sig", "kid": kid, "n": number(numbers.n), "e": number(numbers.e), **members}
    size = (key.curve.key_size + 7) // 8
    name = {256: "P-256", 384: "P-384", 521: "P-521"}[key.curve.key_size]
    return {
        "kty": "EC",
        "use": "sig",
        "kid": kid,
        "crv": name,
        "x": number(numbers.x, size),
        "y": number(numbers.y, size),
        **members,
    }


def rsa_public_pem(jwk):
    """A JWK's public key as PEM: what a confused verifier would take for an HMAC secret."""
    key = rsa.RSAPublicNumbers(int.from_bytes(decode(jwk["e"]), "big"), int.from_bytes(decode(jwk["n"]), "big"))
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def private_pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)


def thumbprint(certificate, algorithm):
    return encode(certificate.fingerprint(algorithm))


def certificate_of(key, name, issuer=None, issuer_key=None, names=(), is_ca=False, days=(-1, 30)):
    """A certificate; signed by itself unless there is an issuer."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + datetime.timedelta(days=days[0]))
        .not_valid_after(now + datetime.timedelta(days=days[1]))
        .add_extension(x509.BasicConstraints(is_ca, None), True)
    )
    # Strict verifiers (Python 3.13) want both identifiers, and a CA that says what its key is for.
    signer = (issuer_key or key).public_key()
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
    builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer), False)
    if is_ca:
        usage = dict.fromkeys(
            ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
             "encipher_only", "decipher_only"), False)
        builder = builder.add_extension(x509.KeyUsage(key_cert_sign=True, crl_sign=True, **usage), True)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), False)
    return builder.sign(issuer_key or key, hashes.SHA256())


class Certificates:
    """A certificate authority and a server certificate for the names under localhost."""

    def __init__(self):
        ca_key = ec_key()
        ca = certificate_of(ca_key, "test CA", is_ca=True)
        key = ec_key()
        server = certificate_of(
            key, "localhost", ca, ca_key, ["localhost", "login.localhost", "vault.localhost", "*.vault.localhost"]
        )
        self.files = {"ca.pem": pem(ca), "server.pem": pem(server), "server.key": private_pem(key)}

    def write(self, folder):
        """Name → path."""
        paths = {}
        for name, content in self.files.items():
            paths[name] = folder / name
            paths[name].write_bytes(content)
            paths[name].chmod(0o600)
        return paths
