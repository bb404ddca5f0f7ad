/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small questions about requests: methods and headers.
 */
#include "http/http.h"

static const hf_str method_names[] = {
    [HTTP_GET] = { "GET", 3 },         [HTTP_HEAD] = { "HEAD", 4 },
    [HTTP_POST] = { "POST", 4 },       [HTTP_PUT] = { "PUT", 3 },
    [HTTP_PATCH] = { "PATCH", 5 },     [HTTP_DELETE] = { "DELETE", 6 },
    [HTTP_OPTIONS] = { "OPTIONS", 7 }, [HTTP_OTHER] = { "OTHER", 5 },
};

hf_str http_method_name(enum http_method method)
{
    const size_t index = (size_t)method;
    return method_names[index < HF_ARRAY_LEN(method_names) ? index : HTTP_OTHER];
}

enum http_method http_method_parse(hf_str text)
{
    for (size_t i = 0; i < HTTP_OTHER; i++) {
        if (hf_str_equal(text, method_names[i]))
            return (enum http_method)i;
    }
    return HTTP_OTHER;
}

hf_str http_request_header(const struct http_request *request, hf_str name)
{
    for (size_t i = 0; i < request->header_count; i++) {
        if (hf_str_equal(request->headers[i].name, name))
            return request->headers[i].value;
    }
    return (hf_str){ NULL, 0 };
}
