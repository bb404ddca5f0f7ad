/* SPDX-License-Identifier: Apache-2.0 */
/* The plain forms of records: what was encoded is decoded, anything shorter, longer or unknown is refused. */
#include "support.h"

#define PLAIN_MAX_BYTES 512

/* Decoders with one signature, for the table. */
static hf_err decode_principal(hf_bytes plain)
{
    struct access_principal out;
    return access_principal_decode(plain, &out);
}

static hf_err decode_client(hf_bytes plain)
{
    struct hf_uuid out;
    return access_client_decode(plain, &out);
}

static hf_err decode_credential(hf_bytes plain)
{
    struct access_credential_record out;
    return access_credential_decode(plain, &out);
}

static hf_err decode_assignment(hf_bytes plain)
{
    struct access_assignment out;
    return access_assignment_decode(plain, &out);
}

static hf_err decode_signing(hf_bytes plain)
{
    struct access_signing_record out;
    return access_signing_decode(plain, &out);
}

struct sample {
    const char *name;
    hf_err (*decode)(hf_bytes plain);
    uint8_t plain[PLAIN_MAX_BYTES];
    size_t n;
};

static struct sample samples[6];
static size_t sample_count;

static struct hf_buf begin_sample(const char *name, hf_err (*decode)(hf_bytes plain))
{
    struct sample *sample = &samples[sample_count];
    sample->name = name;
    sample->decode = decode;
    struct hf_buf buf;
    hf_buf_init_fixed(&buf, sample->plain, sizeof(sample->plain));
    return buf;
}

static void end_sample(hf_err err, const struct hf_buf *buf)
{
    EXPECT_OK(err);
    samples[sample_count++].n = buf->n;
}

static int make_samples(void **state HF_UNUSED)
{
    static const uint8_t der[] = { 0x30, 0x03, 0x02, 0x01, 0x00 };
    const struct hf_uuid id = support_uuid(SUPPORT_TENANT);

    struct hf_buf buf = begin_sample("principal", decode_principal);
    const struct access_principal principal = {
        .client_id = id, .kind = ACCESS_APPLICATION, .enabled = true, .name = HF_LIT("app")
    };
    end_sample(access_principal_encode(&principal, &buf), &buf);

    buf = begin_sample("client", decode_client);
    end_sample(access_client_encode(&id, &buf), &buf);

    buf = begin_sample("secret", decode_credential);
    struct access_credential_record credential = { .info = { .kind = ACCESS_CLIENT_SECRET } };
    end_sample(access_credential_encode(&credential, &buf), &buf);

    buf = begin_sample("certificate", decode_credential);
    credential.info.kind = ACCESS_CERTIFICATE;
    credential.certificate = (hf_bytes){ der, sizeof(der) };
    end_sample(access_credential_encode(&credential, &buf), &buf);

    buf = begin_sample("assignment", decode_assignment);
    struct access_assignment assignment = { .scope = HF_LIT("/") };
    EXPECT_OK(access_role_find(HF_LIT("Owner"), &assignment.role));
    end_sample(access_assignment_encode(&assignment, &buf), &buf);

    buf = begin_sample("signing key", decode_signing);
    const struct access_signing_record signing = { .created = 1,
                                                   .certificate = { der, sizeof(der) } };
    end_sample(access_signing_encode(&signing, &buf), &buf);
    assert_int_equal(sample_count, HF_ARRAY_LEN(samples));
    return 0;
}

static void test_record_truncated_is_corrupt(void **state HF_UNUSED)
{
    for (size_t i = 0; i < sample_count; i++) {
        for (size_t n = 0; n < samples[i].n; n++) {
            if (samples[i].decode((hf_bytes){ samples[i].plain, n }) != HF_E_CORRUPT)
                fail_msg("%s of %zu bytes", samples[i].name, n);
        }
    }
}

static void test_record_with_trailing_byte_is_corrupt(void **state HF_UNUSED)
{
    for (size_t i = 0; i < sample_count; i++)
        EXPECT_ERR(HF_E_CORRUPT,
                   samples[i].decode((hf_bytes){ samples[i].plain, samples[i].n + 1 }));
}

static void test_record_unknown_kind_is_corrupt(void **state HF_UNUSED)
{
    static const uint8_t kinds[] = { 0, 4, 255 };
    for (size_t i = 0; i < sample_count; i++) {
        if (samples[i].decode != decode_principal && samples[i].decode != decode_credential)
            continue;
        for (size_t k = 0; k < HF_ARRAY_LEN(kinds); k++) {
            struct sample changed = samples[i];
            changed.plain[0] = kinds[k];
            EXPECT_ERR(HF_E_CORRUPT, changed.decode((hf_bytes){ changed.plain, changed.n }));
        }
    }
    struct sample changed = samples[0];
    changed.plain[1] = 2; /* enabled is 0 or 1 */
    EXPECT_ERR(HF_E_CORRUPT, changed.decode((hf_bytes){ changed.plain, changed.n }));
}

static void test_record_unknown_role_is_of_another_format(void **state HF_UNUSED)
{
    struct sample changed = samples[4];
    changed.plain[0] ^= 1;
    EXPECT_ERR(HF_E_FORMAT, changed.decode((hf_bytes){ changed.plain, changed.n }));
}

static void test_record_as_encoded_is_decoded(void **state HF_UNUSED)
{
    for (size_t i = 0; i < sample_count; i++)
        EXPECT_OK(samples[i].decode((hf_bytes){ samples[i].plain, samples[i].n }));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_record_truncated_is_corrupt),
        cmocka_unit_test(test_record_with_trailing_byte_is_corrupt),
        cmocka_unit_test(test_record_unknown_kind_is_corrupt),
        cmocka_unit_test(test_record_unknown_role_is_of_another_format),
        cmocka_unit_test(test_record_as_encoded_is_decoded),
    };
    return cmocka_run_group_tests(tests, make_samples, NULL);
}
