/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of the error list, looked up, and the one way to fill a diagnosis. */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

struct err_row {
    const char *name;
    const char *text;
    hf_err_class class;
};

static const struct err_row err_rows[] = {
#define HF_ERR_ROW(code, err_class, err_text) [code] = { #code, err_text, err_class },
    HF_ERR_LIST(HF_ERR_ROW)
#undef HF_ERR_ROW
};
_Static_assert(HF_ARRAY_LEN(err_rows) == HF_ERR_COUNT_, "one row per code");

/* A value that is no code reads as the internal error it is. */
static const struct err_row *row_of(hf_err err)
{
    return &err_rows[(size_t)err < HF_ARRAY_LEN(err_rows) ? err : HF_E_INTERNAL];
}

const char *hf_err_text(hf_err err)
{
    return row_of(err)->text;
}

const char *hf_err_name(hf_err err)
{
    return row_of(err)->name;
}

hf_err_class hf_err_class_of(hf_err err)
{
    return row_of(err)->class;
}

hf_err hf_err_from_errno(int error_number)
{
    switch (error_number) {
    case ENOSPC:
    case EDQUOT:
        return HF_E_DISK_FULL;
    case ENOMEM:
        return HF_E_NOMEM;
    case ENOENT:
        return HF_E_NOT_FOUND;
    case EEXIST:
        return HF_E_EXISTS;
    case EACCES:
    case EPERM:
        return HF_E_FORBIDDEN;
    case EAGAIN:
        return HF_E_UNAVAILABLE;
    default:
        return HF_E_IO;
    }
}

hf_err hf_fail(struct hf_diag *diag, hf_err err, const char *field, const char *format, ...)
{
    if (diag == NULL || diag->field[0] != '\0' || diag->text[0] != '\0')
        return err;
    if (field != NULL)
        (void)snprintf(diag->field, sizeof diag->field, "%s", field);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(diag->text, sizeof diag->text, format, arguments);
    va_end(arguments);
    return err;
}
