/* Numbers of Python and NumPy, read and made through their structs: an ordinary conversion takes longer than the rate. */
#ifndef COSINE_FAST_NUMBERS_H
#define COSINE_FAST_NUMBERS_H

#include <Python.h>
#include <numpy/arrayobject.h>
#include <numpy/arrayscalars.h>

#include "state.h"

enum cf_origin { CF_ELSEWHERE, CF_PYTHON, CF_NUMPY };

/* Read the step `x`. Returns whether it is a number of Python or of NumPy. For an int beyond int64, and for all types
 * other than those below (subclasses too), returns CF_ELSEWHERE; the step is then undefined. */
static inline int cf_read_step(PyObject *x, cf_pair *step)
{
    const PyTypeObject *type = Py_TYPE(x);
    if (type == &PyLong_Type) {
        int overflow;
        *step = cf_from_step(PyLong_AsLongLongAndOverflow(x, &overflow));
        return overflow ? CF_ELSEWHERE : CF_PYTHON;
    }
    if (type == &PyFloat_Type) {
        *step = cf_make_pair(PyFloat_AS_DOUBLE(x), 0.0);
        return CF_PYTHON;
    }
    if (type == &PyInt64ArrType_Type) {
        *step = cf_from_int64(PyArrayScalar_VAL(x, Int64));
    } else if (type == &PyInt32ArrType_Type) {
        *step = cf_make_pair(PyArrayScalar_VAL(x, Int32), 0.0);
    } else if (type == &PyFloat64ArrType_Type) {
        *step = cf_make_pair(PyArrayScalar_VAL(x, Float64), 0.0);
    } else if (type == &PyFloat32ArrType_Type) {
        *step = cf_make_pair(PyArrayScalar_VAL(x, Float32), 0.0);
    } else {
        return CF_ELSEWHERE;
    }
    return CF_NUMPY;
}

/* A new numpy.float32 (where `single`) or numpy.float64. */
static inline PyObject *cf_numpy_scalar(double rate, int single)
{
    PyObject *scalar = single ? PyArrayScalar_New(Float32) : PyArrayScalar_New(Float64);
    if (scalar && single) {
        const cf_state state = cf_enter();
        PyArrayScalar_ASSIGN(scalar, Float32, (float)cf_here(rate));
        cf_leave(state);
    }
    if (scalar && !single) PyArrayScalar_ASSIGN(scalar, Float64, rate);
    return scalar;
}

#endif
