/* The model as a module of MicroPython, with the names that it has in Python: import headwater; model = headwater.load(). */
#include "../headwater.h"

#include "py/obj.h"
#include "py/runtime.h"

#include <math.h>
#include <string.h>

#include "names.h" /* COLUMN(i), CLASS(i) */

typedef struct model_obj {
    mp_obj_base_t base;
} model_obj;
extern const mp_obj_type_t model_type;
static const model_obj the_model = {{&model_type}}; /* a program has one */

static void check(int status)
{
    if (status == MODEL_NO_MEMORY)
        mp_raise_msg(&mp_type_MemoryError, MP_ERROR_TEXT("the model's arena is too small"));
    if (status == MODEL_BAD_LABEL)
        mp_raise_ValueError(MP_ERROR_TEXT("expected a finite number as label, and a weight of 0 or more"));
    if (status == MODEL_BAD_FLASH || status == MODEL_NOTHING_SAVED)
        mp_raise_ValueError(MP_ERROR_TEXT("expected what to_bytes() of this very export returned"));
    if (status < 0)
        mp_raise_ValueError(MP_ERROR_TEXT("the model can't do this"));
}

/* Numbers of a dict in the order of the columns; what is missing or None is NAN. A name that was never seen is an error: the model
 * can't grow on a device. */
static void read_row(mp_obj_t x, double *row)
{
    size_t known = 0;
    mp_map_t *map = mp_obj_dict_get_map(x);
    for (size_t i = 0; i < MODEL_INPUTS; i++) {
        mp_map_elem_t *found = mp_map_lookup(map, COLUMN(i), MP_MAP_LOOKUP);
        known += found != NULL;
        row[i] = found && found->value != mp_const_none ? (double)mp_obj_get_float(found->value) : (double)NAN;
    }
    if (known < map->used)
        mp_raise_ValueError(MP_ERROR_TEXT("expected columns that the model has learned, got another name"));
}

#if defined MODEL_HORIZON /* a series */
static mp_obj_t learn_one(size_t n, const mp_obj_t *a)
{
    double row[MODEL_INPUTS + 1];
    for (size_t i = 0; i < MODEL_INPUTS; i++)
        row[i] = (double)NAN;
    if (n > 2 && a[2] != mp_const_none)
        read_row(a[2], row);
    check(model_learn(row, a[1] == mp_const_none ? (double)NAN : (double)mp_obj_get_float(a[1]), 1, NULL));
    return mp_const_none;
}

static mp_obj_t forecast(size_t n, const mp_obj_t *a)
{
    int horizon = n > 1 && a[1] != mp_const_none ? (int)mp_obj_get_int(a[1]) : MODEL_HORIZON;
    mp_obj_t *rows = NULL, said = mp_obj_new_list(0, NULL);
    if (n > 2)
        mp_obj_get_array_fixed_n(a[2], (size_t)horizon, &rows);
    for (int h = 1; h <= horizon; h++) {
        double row[MODEL_INPUTS + 1], y;
        for (size_t i = 0; i < MODEL_INPUTS; i++)
            row[i] = (double)NAN;
        if (rows)
            read_row(rows[h - 1], row);
        check(model_forecast(row, h, &y));
        mp_obj_list_append(said, mp_obj_new_float((mp_float_t)y));
    }
    return said;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(forecast_of, 1, 3, forecast);
#else
static double weight_of(size_t n, const mp_obj_t *arguments, size_t place)
{
    return n > place ? (double)mp_obj_get_float(arguments[place]) : 1;
}

static void predict(mp_obj_t x, float *p)
{
    double row[MODEL_INPUTS + 1];
    read_row(x, row);
    check(model_predict(row, p));
}

#if MODEL_SCORES /* rows are learned alone */
static mp_obj_t learn_one(size_t n, const mp_obj_t *a)
{
    double row[MODEL_INPUTS + 1];
    float p[MODEL_OUTPUTS];
    read_row(a[1], row);
    check(model_learn(row, 0, weight_of(n, a, 2), p));
    return mp_const_none;
}

static mp_obj_t score_one(mp_obj_t self, mp_obj_t x)
{
    float p[MODEL_OUTPUTS];
    (void)self;
    predict(x, p);
    return mp_obj_new_float((mp_float_t)p[0]);
}
static MP_DEFINE_CONST_FUN_OBJ_2(score_one_of, score_one);
#else
static double label_of(mp_obj_t y)
{
    if (!MODEL_CLASSES)
        return (double)mp_obj_get_float(y);
    for (size_t i = 0; i < MODEL_CLASSES; i++)
        if (mp_obj_equal(CLASS(i), y))
            return (double)i;
    mp_raise_ValueError(MP_ERROR_TEXT("expected a class that the model has learned"));
}

static mp_obj_t learn_one(size_t n, const mp_obj_t *a)
{
    double row[MODEL_INPUTS + 1];
    float p[MODEL_OUTPUTS];
    read_row(a[1], row);
    check(model_learn(row, label_of(a[2]), weight_of(n, a, 3), p));
    return mp_const_none;
}

/* The probability of class i: of two classes the model may say that of the second alone. */
static float share(const float *p, size_t i) { return MODEL_OUTPUTS > 1 ? p[i] : i ? p[0] : 1 - p[0]; }

static mp_obj_t predict_one(mp_obj_t self, mp_obj_t x)
{
    float p[MODEL_OUTPUTS];
    (void)self;
    predict(x, p);
    if (!MODEL_CLASSES)
        return mp_obj_new_float((mp_float_t)p[0]);
    size_t best = 0;
    for (size_t i = 1; i < MODEL_CLASSES; i++)
        best = share(p, i) > share(p, best) ? i : best;
    return CLASS(best);
}
static MP_DEFINE_CONST_FUN_OBJ_2(predict_one_of, predict_one);

#if MODEL_CLASSES
static mp_obj_t predict_proba_one(mp_obj_t self, mp_obj_t x)
{
    float p[MODEL_OUTPUTS];
    (void)self;
    predict(x, p);
    mp_obj_t said = mp_obj_new_dict(MODEL_CLASSES);
    for (size_t i = 0; i < MODEL_CLASSES; i++)
        mp_obj_dict_store(said, CLASS(i), mp_obj_new_float((mp_float_t)share(p, i)));
    return said;
}
static MP_DEFINE_CONST_FUN_OBJ_2(predict_proba_one_of, predict_proba_one);
#endif
#endif
#endif

#ifdef MODEL_HORIZON
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(learn_one_of, 2, 3, learn_one);
#elif MODEL_SCORES
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(learn_one_of, 2, 3, learn_one);
#else
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(learn_one_of, 3, 4, learn_one);
#endif

#ifdef MODEL_EXPLAINS
/* What each column contributes to a prediction, of a class that may be named. */
static mp_obj_t explain_one(size_t n, const mp_obj_t *a)
{
    double row[MODEL_INPUTS + 1];
    float parts[MODEL_INPUTS + 1];
    int chosen = -1;
#if MODEL_CLASSES
    if (n > 2 && a[2] != mp_const_none)
        chosen = (int)label_of(a[2]);
#endif
    read_row(a[1], row);
    check(model_explain(row, chosen, parts, NULL));
    mp_obj_t said = mp_obj_new_dict(MODEL_INPUTS);
    for (size_t i = 0; i < MODEL_INPUTS; i++)
        mp_obj_dict_store(said, COLUMN(i), mp_obj_new_float((mp_float_t)parts[i]));
    return said;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(explain_one_of, 2, 2 + (MODEL_CLASSES > 0), explain_one);
#endif

/* ---- saving: an area of flash as bytes, for a file ------------------------------------------------------------------ */

enum { NOWHERE = 1 << 30 }; /* the second area, which can't be read, so that there is none */

static int read_area(void *context, uint32_t at, void *to, uint32_t bytes)
{
    if (at >= NOWHERE)
        return 1;
    memcpy(to, (char *)context + at, bytes);
    return 0;
}

static int erase_area(void *context, uint32_t at, uint32_t bytes) { return memset((char *)context + at, 0xFF, bytes) == NULL; }

static int program_area(void *context, uint32_t at, const void *from, uint32_t bytes)
{
    memcpy((char *)context + at, from, bytes);
    return 0;
}

static model_flash area_in(uint64_t *memory)
{
    return (model_flash){read_area, erase_area, program_area, memory, 0, NOWHERE, (const unsigned char *)memory};
}

static mp_obj_t to_bytes(mp_obj_t self)
{
    (void)self;
    uint64_t *memory = m_new0(uint64_t, MODEL_FLASH_BYTES / 8 + 1);
    model_flash area = area_in(memory);
    check(model_save(&area));
    return mp_obj_new_bytes((const byte *)memory, MODEL_FLASH_BYTES);
}
static MP_DEFINE_CONST_FUN_OBJ_1(to_bytes_of, to_bytes);

static mp_obj_t digest(mp_obj_t self)
{
    (void)self;
    return mp_obj_new_int_from_ull(model_digest());
}
static MP_DEFINE_CONST_FUN_OBJ_1(digest_of, digest);

static const mp_rom_map_elem_t methods[] = {
    {MP_ROM_QSTR(MP_QSTR_learn_one), MP_ROM_PTR(&learn_one_of)},
#if defined MODEL_HORIZON
    {MP_ROM_QSTR(MP_QSTR_forecast), MP_ROM_PTR(&forecast_of)},
#elif MODEL_SCORES
    {MP_ROM_QSTR(MP_QSTR_score_one), MP_ROM_PTR(&score_one_of)},
#else
    {MP_ROM_QSTR(MP_QSTR_predict_one), MP_ROM_PTR(&predict_one_of)},
#if MODEL_CLASSES
    {MP_ROM_QSTR(MP_QSTR_predict_proba_one), MP_ROM_PTR(&predict_proba_one_of)},
#endif
#endif
#ifdef MODEL_EXPLAINS
    {MP_ROM_QSTR(MP_QSTR_explain_one), MP_ROM_PTR(&explain_one_of)},
#endif
    {MP_ROM_QSTR(MP_QSTR_to_bytes), MP_ROM_PTR(&to_bytes_of)},
    {MP_ROM_QSTR(MP_QSTR_digest), MP_ROM_PTR(&digest_of)},
};
static MP_DEFINE_CONST_DICT(methods_dict, methods);
MP_DEFINE_CONST_OBJ_TYPE(model_type, MP_QSTR_Model, MP_TYPE_FLAG_NONE, locals_dict, &methods_dict);

/* load(): the model as it was exported; load(bytes): as to_bytes() returned it. */
static mp_obj_t load(size_t n, const mp_obj_t *a)
{
    static bool begun;
    if (!begun || n == 0)
        check(model_begin());
    begun = true;
    if (n > 0) { /* what can't be loaded leaves the model as it is */
        mp_buffer_info_t saved;
        mp_get_buffer_raise(a[0], &saved, MP_BUFFER_READ);
        if (saved.len != MODEL_FLASH_BYTES)
            check(MODEL_NOTHING_SAVED);
        uint64_t *memory = m_new0(uint64_t, MODEL_FLASH_BYTES / 8 + 1);
        memcpy(memory, saved.buf, saved.len);
        model_flash area = area_in(memory);
        check(model_load(&area));
    }
    return MP_OBJ_FROM_PTR(&the_model);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(load_of, 0, 1, load);

static const mp_rom_map_elem_t globals[] = {
    {MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_headwater)},
    {MP_ROM_QSTR(MP_QSTR_load), MP_ROM_PTR(&load_of)},
};
static MP_DEFINE_CONST_DICT(globals_dict, globals);
const mp_obj_module_t headwater_module = {.base = {&mp_type_module}, .globals = (mp_obj_dict_t *)&globals_dict};
MP_REGISTER_MODULE(MP_QSTR_headwater, headwater_module);
