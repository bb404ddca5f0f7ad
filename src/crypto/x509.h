/* SPDX-License-Identifier: Apache-2.0 */
/*
 * X.509 certificates (RFC 5280): issuing for the development CA and the token signer, reading for client assertions.
 */
#pragma once

#include "base/buf.h"
#include "base/clock.h"
#include "crypto/crypto.h"
#include "crypto/key.h"

struct crypto_certificate_request {
    const char *common_name;
    const char *const *dns_names; /* subjectAltName; NULL-terminated; may be NULL */
    const char *const *ip_addresses;
    hf_usec not_before;
    hf_usec not_after;
    bool is_ca; /* basicConstraints CA, keyCertSign; else serverAuth */
};

/*
 * Signs a certificate for subject_key. issuer_key and issuer_der are the CA's; with both NULL/empty it is self-signed.
 * DER is appended to out. Fails: HF_E_INVALID (empty or over-long common name, bad host name or address, validity that
 * ends before it begins or outside 1970 to 9999, an issuer that is no CA or does not fit its key).
 */
HF_MUST hf_err crypto_certificate_issue(const struct crypto_certificate_request *request,
                                        const struct crypto_key *subject_key,
                                        const struct crypto_key *issuer_key, hf_bytes issuer_der,
                                        struct hf_buf *out);
/* PEM text of a DER certificate, appended. All that read a certificate refuse DER that is not in its one canonical form. */
HF_MUST hf_err crypto_certificate_write_pem(hf_bytes der, struct hf_buf *out);
/* The first certificate of a PEM text, or DER, as DER appended to out. Fails: HF_E_INVALID. */
HF_MUST hf_err crypto_certificate_read(hf_bytes pem_or_der, struct hf_buf *out_der);

struct crypto_certificate_info {
    uint8_t sha1[CRYPTO_SHA1_BYTES]; /* thumbprints of the DER */
    uint8_t sha256[CRYPTO_SHA256_BYTES];
    hf_usec not_before;
    hf_usec not_after;
};
HF_MUST hf_err crypto_certificate_info(hf_bytes der, struct crypto_certificate_info *out);
HF_MUST hf_err crypto_certificate_key(hf_bytes der, struct crypto_key **out); /* its public key */
/*
 * Whether a client that asks for this host accepts the certificate's names (RFC 9525: "*" stands for one whole label, and the
 * subject's common name does not count). The result is *out. Fails: HF_E_INVALID (certificate; host is empty or begins
 * with a dot).
 */
HF_MUST hf_err crypto_certificate_covers(hf_bytes der, const char *host, bool *out);
