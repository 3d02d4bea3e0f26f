/* Numbers of Python and NumPy, read and made through their structs: a scalar call has no time for more. */
#ifndef COSINE_FAST_NUMBERS_H
#define COSINE_FAST_NUMBERS_H

#include <Python.h>
#include <numpy/arrayobject.h>
#include <numpy/arrayscalars.h>

#include <cosine_fast.h>

enum cf_origin { CF_ELSEWHERE, CF_PYTHON, CF_NUMPY };

/* Whether the int `x` has one digit, as most have; if so, its value. */
static inline int cf_small_int(PyObject *x, Py_ssize_t *value)
{
#if PY_VERSION_HEX >= 0x030C0000
    if (!PyUnstable_Long_IsCompact((PyLongObject *)x)) return 0;
    *value = PyUnstable_Long_CompactValue((PyLongObject *)x);
#else
    if (Py_SIZE(x) < -1 || Py_SIZE(x) > 1) return 0;
    *value = Py_SIZE(x) * (Py_ssize_t)((PyLongObject *)x)->ob_digit[0];
#endif
    return 1;
}

/* Whose number `x` is, and the step that it is. CF_ELSEWHERE, and no step: it is an int beyond int64, or of a type that
 * is not exactly one of these. */
static inline int cf_read_step(PyObject *x, cf_pair *step)
{
    const PyTypeObject *type = Py_TYPE(x);
    if (type == &PyLong_Type) {
        Py_ssize_t value;
        int overflow;
        if (cf_small_int(x, &value)) {
            *step = cf_make_pair((double)value, 0.0);
            return CF_PYTHON;
        }
        *step = cf_from_int64(PyLong_AsLongLongAndOverflow(x, &overflow));
        return overflow ? CF_ELSEWHERE : CF_PYTHON;
    }
    if (type == &PyFloat_Type) {
        *step = cf_make_pair(PyFloat_AS_DOUBLE(x), 0.0);
        return CF_PYTHON;
    }
    if (type == &PyInt64ArrType_Type) {
        *step = cf_from_int64(PyArrayScalar_VAL(x, Int64));
        return CF_NUMPY;
    }
    if (type == &PyInt32ArrType_Type) {
        *step = cf_make_pair(PyArrayScalar_VAL(x, Int32), 0.0);
        return CF_NUMPY;
    }
    if (type == &PyFloat64ArrType_Type) {
        *step = cf_make_pair(PyArrayScalar_VAL(x, Float64), 0.0);
        return CF_NUMPY;
    }
    if (type == &PyFloat32ArrType_Type) {
        *step = cf_make_pair(PyArrayScalar_VAL(x, Float32), 0.0);
        return CF_NUMPY;
    }
    return CF_ELSEWHERE;
}

/* A new numpy.float32 (where `single`) or numpy.float64. */
static inline PyObject *cf_numpy_scalar(double rate, int single)
{
    PyObject *scalar = single ? PyArrayScalar_New(Float32) : PyArrayScalar_New(Float64);
    if (scalar && single) PyArrayScalar_ASSIGN(scalar, Float32, (float)rate);
    if (scalar && !single) PyArrayScalar_ASSIGN(scalar, Float64, rate);
    return scalar;
}

#endif
