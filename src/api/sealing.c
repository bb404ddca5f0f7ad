/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON of a seal's state.
 */
#include "api/sealing.h"

void api_seal_status_write(const struct api_seal_status *status, struct hf_json_writer *w)
{
    hf_jw_begin_object(w);
    hf_jw_member_bool(w, "sealed", status->sealed);
    hf_jw_member_c(w, "kind", status->kind);
    hf_jw_member_int(w, "generation", (int64_t)status->generation);
    hf_jw_member_bool(w, "rotating", status->rotating);
    hf_jw_member_int(w, "shares", status->shares);
    hf_jw_member_int(w, "threshold", status->threshold);
    hf_jw_member_int(w, "sharesGiven", status->shares_given);
    if (status->share_set[0] != '\0')
        hf_jw_member_c(w, "shareSet", status->share_set);
    hf_jw_member_bool(w, "asksPeople", status->asks_people);
    if (status->reason[0] != '\0')
        hf_jw_member_c(w, "reason", status->reason);
    hf_jw_end_object(w);
}
