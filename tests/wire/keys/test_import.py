# SPDX-License-Identifier: Apache-2.0
"""Keys that are brought: they are used as they are, and what is malformed, weak or does not fit together is refused."""

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from hfsupport.cases import table
from hfsupport.tokens import decode, encode, number
from key_case import (
    CURVES,
    DEFAULT_OPS,
    KeyCase,
    curve_bytes,
    ec_jwk,
    integer,
    oct_jwk,
    rsa_jwk,
    standard_base64,
    version_of,
)
from shared import fresh_name

RSA_KEY = rsa.generate_private_key(65537, 2048)
RSA = rsa_jwk(RSA_KEY)
OTHER_RSA = rsa_jwk(rsa.generate_private_key(65537, 2048))
WEAK_RSA = rsa_jwk(rsa.generate_private_key(65537, 1024))
EC_KEYS = {name: ec.generate_private_key(curve()) for name, curve in CURVES.items()}
EC = {name: ec_jwk(key, name) for name, key in EC_KEYS.items()}
OTHER_EC = ec_jwk(ec.generate_private_key(ec.SECP256R1()), "P-256")
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
P256_FIELD = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
OCT = oct_jwk(bytes(range(32)))
CRT = ("p", "q", "dp", "dq", "qi")


def changed(jwk, **members):
    return {**jwk, **members}


def without(jwk, *names):
    return {name: value for name, value in jwk.items() if name not in names}


def plus(jwk, name, step):
    return {**jwk, name: number(integer(jwk[name]) + step)}


def three_primes():
    """A modulus of another factor: p is no prime."""
    p, q = integer(RSA["p"]), integer(RSA["q"])
    return changed(RSA, p=number(p * q), q=number(1), n=RSA["n"])


class ImportTest(KeyCase):
    def bring_back(self, jwk, **body):
        name = fresh_name("import")
        bundle = self.bring(jwk, name, **body)
        self.assertEqual(self.name_of(bundle), name)
        self.assertEqual(self.checked(self.vault.get(f"/keys/{name}")), bundle)
        return bundle

    def test_rsa(self):
        jwk = self.bring_back(RSA)["key"]
        self.assertEqual(set(jwk), {"kid", "kty", "key_ops", "n", "e"})
        self.assertEqual((jwk["kty"], jwk["n"], jwk["e"]), ("RSA", RSA["n"], RSA["e"]))
        self.assertEqual(jwk["key_ops"], DEFAULT_OPS["RSA"])

    @table(("exponent_3", 3, 2048), ("3072", 65537, 3072))
    def test_rsa_of(self, exponent, bits):
        jwk = rsa_jwk(rsa.generate_private_key(exponent, bits))
        self.assertEqual(self.bring_back(jwk)["key"]["n"], jwk["n"])

    @table(*((curve, curve) for curve in CURVES))
    def test_ec(self, curve):
        jwk = self.bring_back(EC[curve])["key"]
        self.assertEqual({name: jwk[name] for name in ("crv", "x", "y")}, {n: EC[curve][n] for n in ("crv", "x", "y")})
        self.assertEqual(jwk["key_ops"], DEFAULT_OPS["EC"])

    @table(*((str(size), size) for size in (16, 24, 32, 64)))
    def test_oct(self, size):
        jwk = self.bring_back(oct_jwk(bytes(range(size))), key_ops=["sign", "verify"])["key"]
        self.assertEqual((set(jwk), jwk["key_ops"]), ({"kid", "kty", "key_ops"}, ["sign", "verify"]))

    def test_coordinate_with_leading_zeros(self):
        while True:
            key = ec.generate_private_key(ec.SECP256R1())
            if key.public_key().public_numbers().x >> 248 == 0:
                break
        jwk = ec_jwk(key, "P-256")
        self.assertEqual(self.bring_back(jwk)["key"]["x"], jwk["x"])
        short = changed(jwk, x=number(integer(jwk["x"])))
        answer = self.vault.put(f"/keys/{fresh_name('short')}", {"key": short})
        if answer.status == 200:
            self.assertEqual(self.checked(answer)["key"]["x"], jwk["x"])
        else:
            self.assert_bad(answer, "x")

    def test_padded_and_ordinary_base64(self):
        jwk = {name: standard_base64(decode(value)) if name != "kty" else value for name, value in RSA.items()}
        self.assertEqual(self.bring_back(jwk)["key"]["n"], RSA["n"])

    @table(
        ("in_key", {"key": {"key_ops": ["sign"]}}, ["sign"]),
        ("beside", {"key_ops": ["verify"]}, ["verify"]),
    )
    def test_ops(self, body, ops):
        key = changed(RSA, **body.pop("key", {}))
        self.assertEqual(self.bring_back(key, **body)["key"]["key_ops"], ops)

    def test_everything_given_comes_back(self):
        attributes = {"enabled": False, "nbf": 1000000000, "exp": 4102444800}
        bundle = self.bring_back(
            changed(EC["P-256"], kid="https://else/keys/x/y", use="sig", unknown=1), tags={"a": "1"}, attributes=attributes,
            Hsm=False,
        )
        self.assertEqual(bundle["tags"], {"a": "1"})
        self.assertEqual({name: bundle["attributes"][name] for name in attributes}, attributes)

    def test_existing_name_gets_a_version(self):
        name = fresh_name("again")
        first, second = self.create(name, kty="RSA"), self.bring(EC["P-256"], name)
        self.assertNotEqual(version_of(first), version_of(second))
        self.assertEqual(len(self.versions(name)), 2)


ZERO = encode(bytes(32))
# name, JWK, other members of the body, property that the answer names (None: another text)
REFUSED = (
    ("no_kty", without(RSA, "kty"), {}, "kty"),
    ("kty_unknown", changed(RSA, kty="rsa"), {}, "kty"),
    ("kty_hsm", changed(RSA, kty="RSA-HSM"), {}, None),
    ("hsm", RSA, {"Hsm": True}, None),
    ("hsm_text", RSA, {"Hsm": "true"}, "Hsm"),
    ("key_hsm", changed(RSA, key_hsm="AAAA"), {}, None),
    ("key_hsm_only", {"kty": "RSA-HSM", "key_hsm": "AAAA"}, {}, None),
    ("rsa_is_ec", changed(EC["P-256"], kty="RSA"), {}, None),
    ("ec_is_rsa", changed(RSA, kty="EC"), {}, "crv"),
    ("oct_is_rsa", changed(RSA, kty="oct"), {}, "k"),
    ("ops_of_another_type", EC["P-256"], {"key_ops": ["encrypt"]}, "key_ops"),
    ("ops_of_another_type_in_key", changed(EC["P-256"], key_ops=["wrapKey"]), {}, "key_ops"),
    ("exportable", RSA, {"attributes": {"exportable": True}}, None),
    ("exp_before_nbf", RSA, {"attributes": {"nbf": 2, "exp": 1}}, "exp"),
    # RSA
    ("rsa_public", without(RSA, "d", *CRT), {}, None),
    *((f"rsa_no_{name}", without(RSA, name), {}, name) for name in RSA if name != "kty"),
    *((f"rsa_{name}_null", changed(RSA, **{name: None}), {}, name) for name in ("n", "d")),
    *((f"rsa_{name}_number", changed(RSA, **{name: 65537}), {}, name) for name in ("n", "e", "d", "qi")),
    *((f"rsa_{name}_empty", changed(RSA, **{name: ""}), {}, name) for name in ("n", "e", "d", "p")),
    *((f"rsa_{name}_no_base64", changed(RSA, **{name: "A*AB"}), {}, name) for name in ("n", "e", "d", "dp")),
    *((f"rsa_{name}_zero", changed(RSA, **{name: "AA"}), {}, None) for name in RSA if name != "kty"),
    *((f"rsa_{name}_one", changed(RSA, **{name: "AQ"}), {}, None) for name in RSA if name not in ("kty", "qi")),
    *((f"rsa_{name}_other", changed(RSA, **{name: OTHER_RSA[name]}), {}, None) for name in RSA if name not in ("kty", "e")),
    *((f"rsa_{name}_plus_2", plus(RSA, name, 2), {}, None) for name in RSA if name != "kty"),
    ("rsa_n_even", plus(RSA, "n", 1), {}, None),
    ("rsa_e_even", changed(RSA, e=number(65536)), {}, None),
    ("rsa_e_other", changed(RSA, e=number(17)), {}, None),
    ("rsa_e_large", changed(RSA, e=RSA["n"]), {}, None),
    ("rsa_1024", WEAK_RSA, {}, None),
    ("rsa_n_long", changed(RSA, n=encode(b"\xff" * 1025)), {}, "n"),
    ("rsa_d_long", changed(RSA, d=encode(b"\xff" * 1025)), {}, "d"),
    ("rsa_swapped", changed(RSA, p=RSA["q"], q=RSA["p"]), {}, None),
    ("rsa_three_primes", three_primes(), {}, None),
    # EC
    ("ec_public", without(EC["P-256"], "d"), {}, "d"),
    *((f"ec_no_{name}", without(EC["P-256"], name), {}, name) for name in ("crv", "x", "y")),
    ("ec_crv_unknown", changed(EC["P-256"], crv="P-224"), {}, "crv"),
    ("ec_crv_number", changed(EC["P-256"], crv=256), {}, "crv"),
    *(
        (f"ec_{one}_as_{other}", changed(EC[one], crv=other), {}, None)
        for one in CURVES
        for other in CURVES
        if one != other
    ),
    ("ec_d_other", changed(EC["P-256"], d=OTHER_EC["d"]), {}, "d"),
    ("ec_point_other", changed(EC["P-256"], x=OTHER_EC["x"], y=OTHER_EC["y"]), {}, "d"),
    ("ec_point_negated", changed(EC["P-256"], y=number(P256_FIELD - integer(EC["P-256"]["y"]), 32)), {}, "d"),
    ("ec_not_on_curve", plus(EC["P-256"], "y", 1), {}, None),
    ("ec_swapped", changed(EC["P-256"], x=EC["P-256"]["y"], y=EC["P-256"]["x"]), {}, None),
    ("ec_infinity", changed(EC["P-256"], x=ZERO, y=ZERO), {}, None),
    ("ec_d_zero", changed(EC["P-256"], d=ZERO), {}, "d"),
    ("ec_d_order", changed(EC["P-256"], d=number(P256_ORDER)), {}, "d"),
    ("ec_d_plus_order", changed(EC["P-256"], d=number(integer(EC["P-256"]["d"]) + P256_ORDER)), {}, "d"),
    ("ec_x_beyond_field", changed(EC["P-256"], x=number(P256_FIELD)), {}, None),
    *((f"ec_{name}_long", changed(EC["P-256"], **{name: encode(bytes(9) + b"\1" * 72)}), {}, name) for name in "xyd"),
    *((f"ec_{name}_empty", changed(EC["P-256"], **{name: ""}), {}, name) for name in "xyd"),
    *((f"ec_{name}_no_base64", changed(EC["P-256"], **{name: "=" * 43}), {}, name) for name in "xyd"),
    *((f"ec_{name}_number", changed(EC["P-256"], **{name: 1}), {}, name) for name in "xyd"),
    # oct
    ("oct_no_k", {"kty": "oct"}, {}, "k"),
    ("oct_k_empty", {"kty": "oct", "k": ""}, {}, "k"),
    ("oct_k_number", {"kty": "oct", "k": 1}, {}, "k"),
    ("oct_k_no_base64", {"kty": "oct", "k": "ä" * 8}, {}, "k"),
    ("oct_k_65", oct_jwk(bytes(65)), {}, "k"),
    ("oct_import_op", OCT, {"key_ops": ["import"]}, "key_ops"),
)


class ImportRefusedTest(KeyCase):
    @table(*REFUSED)
    def test_refused(self, jwk, more, name):
        key = fresh_name("none")
        answer = self.vault.put(f"/keys/{key}", {"key": jwk, **more})
        self.assert_bad(answer, name)
        for member in ("d", "p", "k"):
            if len(str(jwk.get(member, ""))) > 20:
                self.assertNotIn(str(jwk[member])[:20], answer.body.decode(), "an answer tells of the private key")
        self.assert_nothing_stored(key)

    @table(("none", {}), ("null", {"key": None}), ("text", {"key": "x"}), ("array", {"key": []}))
    def test_key(self, body):
        key = fresh_name("none")
        self.assert_bad(self.vault.put(f"/keys/{key}", body), "key")
        self.assert_nothing_stored(key)

    def test_existing_key_stays(self):
        name = fresh_name("stays")
        bundle = self.bring(EC["P-256"], name)
        self.assert_bad(self.vault.put(f"/keys/{name}", {"key": changed(EC["P-256"], d=ZERO)}), "d")
        self.assertEqual(self.checked(self.vault.get(f"/keys/{name}")), bundle)
        self.assertEqual(len(self.versions(name)), 1)
        self.assertEqual(len(decode(self.use("sign", bundle, alg="ES256", value=encode(bytes(32)))["value"])), 64)
        self.assertEqual(curve_bytes("P-256"), 32)
