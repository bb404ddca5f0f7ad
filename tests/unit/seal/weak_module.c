/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A PKCS#11 library that is another one without AES-GCM, as there are tokens without it. HOLDFAST_TEST_MODULE names the other.
 */
#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <stdlib.h>
#include <string.h>

static CK_FUNCTION_LIST functions;
static CK_C_GetMechanismInfo get_mechanism_info;

static CK_RV get_info_but_gcm(CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *info)
{
    return type == CKM_AES_GCM ? CKR_MECHANISM_INVALID : get_mechanism_info(slot, type, info);
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **out)
{
    const char *path = getenv("HOLDFAST_TEST_MODULE");
    void *library = path != NULL ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
    void *symbol = library != NULL ? dlsym(library, "C_GetFunctionList") : NULL;
    CK_C_GetFunctionList get_list = NULL;
    memcpy(&get_list, &symbol, sizeof(get_list));
    CK_FUNCTION_LIST *list = NULL;
    if (get_list == NULL || get_list(&list) != CKR_OK)
        return CKR_GENERAL_ERROR;
    functions = *list;
    get_mechanism_info = functions.C_GetMechanismInfo;
    functions.C_GetMechanismInfo = get_info_but_gcm;
    *out = &functions;
    return CKR_OK;
}
