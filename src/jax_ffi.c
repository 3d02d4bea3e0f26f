/* Schedules as a function that programs compiled by XLA call on the CPU: a handler of XLA's FFI. setup.py builds it where
 * jaxlib's headers are; cosine_fast/integrations/jax.py registers it and writes the parameters.
 *
 *     (parameters: u32[..., words], steps: integers or floats [..., shape]) -> rates: f32 or f64 [..., shape]
 *
 * The axes before the words, which vmap makes, belong to many schedules; they broadcast with those of the steps. The parameters
 * are an operand, so that another schedule needs no new compilation. They are 64-bit words: a checksum, and then what
 * cf_schedule_init folds. */
#include "portable.h"
#include "state.h"

#include <xla/ffi/api/c_api.h>

enum { CF_TASK = 64 * CF_BLOCK }; /* the elements that a thread takes at a time */

/* Evaluate a cf_job with the instruction set in use. Python sets it to _kernel.EVALUATE. */
cf_run cf_jax_evaluate;

/* ---- Folding ---- */

typedef struct cf_text {
    char name[32]; /* as cf_function_of has it */
    int64_t numbers, counts, children;
} cf_text; /* then the numbers, the counts as pairs, and the same of each child */

/* Memory of a list of blocks, which cf_free_blocks frees; NULL if there is none. */
static void *cf_allocate(void **blocks, size_t size)
{
    void **const block = (void **)malloc(16 + size);
    if (!block) return NULL;
    *block = *blocks;
    *blocks = block;
    return (char *)block + 16;
}

static void cf_free_blocks(void *block)
{
    while (block) {
        void *const next = *(void **)block;
        free(block);
        block = next;
    }
}

/* Fold the schedule of a text. Returns the text's end; NULL if there is no memory. */
static const char *cf_fold_text(cf_schedule *schedule, const char *text, void **blocks)
{
    const cf_text *const head = (const cf_text *)text;
    const double *const numbers = (const double *)(head + 1);
    const cf_pair *const counts = (const cf_pair *)(numbers + head->numbers);
    const int function = cf_function_of(head->name);
    void *const memory = cf_allocate(blocks, cf_schedule_memory(function, numbers, head->counts));
    int64_t i;
    if (!memory) return NULL;
    text = (const char *)(counts + head->counts);
    for (i = 0; i < head->children; i++) {
        cf_schedule *const child = (cf_schedule *)cf_allocate(blocks, sizeof *child);
        if (!child || !(text = cf_fold_text(child, text, blocks))) return NULL;
        ((const cf_schedule **)memory)[i] = child;
    }
    cf_schedule_init(schedule, function, numbers, counts, head->counts, memory);
    return text;
}

/* Whether the words have their checksum in front: others were not written by Python, or were changed since. */
static int cf_is_sound(const uint64_t *words, int64_t count)
{
    uint64_t sum = UINT64_C(0xcbf29ce484222325); /* FNV-1a, of words */
    int64_t i;
    for (i = 1; i < count; i++) sum = (sum ^ words[i]) * UINT64_C(0x100000001b3);
    return count > 1 && sum == words[0];
}

/* ---- Evaluating ---- */

typedef struct cf_call {
    cf_job job;            /* of a row: the rates of one schedule */
    const char *parameters, *steps;
    char *rates;
    int64_t words, row, rows; /* of 64 bits in a schedule's parameters; elements in a row */
    int step_size, rate_size, axes;
    const int64_t *parameter_axes, *step_axes, *rate_axes; /* those before the words, and before the row */
    int64_t tasks;
    _Atomic int64_t next, done; /* counted up by all threads */
    atomic_int references, failed;
} cf_call;

/* Where a row's parameters or steps begin, counted in rows: its index, but for the axes along which they do not change. */
static int64_t cf_row_of(const cf_call *call, const int64_t *own, int64_t row)
{
    int64_t place = 0, size = 1;
    int axis;
    for (axis = call->axes - 1; axis >= 0; axis--) {
        if (own[axis] > 1) place += row % call->rate_axes[axis] * size;
        row /= call->rate_axes[axis];
        size *= own[axis];
    }
    return place;
}

/* The elements begin <= i < end of a row; 1 if there is no memory for its schedule. */
static int cf_evaluate_row(cf_call *call, int64_t row, int64_t begin, int64_t end)
{
    const int64_t own = cf_row_of(call, call->parameter_axes, row) * call->words;
    const int64_t steps = cf_row_of(call, call->step_axes, row) * call->row;
    cf_job job = call->job;
    cf_schedule schedule;
    void *blocks = NULL;
    const cf_state state = cf_enter();
    const char *const text = cf_fold_text(&schedule, call->parameters + 8 * (own + 1), &blocks);
    cf_leave(state);
    job.schedule = &schedule;
    job.steps.data = (char *)call->steps + steps * call->step_size;
    job.rates.data = call->rates + row * call->row * call->rate_size;
    if (text) cf_jax_evaluate(&job, begin, end);
    cf_free_blocks(blocks);
    return !text;
}

/* Take tasks until none is left. XLA may call it when all is done, and the arrays are gone. */
static void cf_take_tasks(void *data)
{
    cf_call *const call = (cf_call *)data;
    int64_t task;
    while ((task = atomic_fetch_add_explicit(&call->next, 1, memory_order_relaxed)) < call->tasks) {
        const int64_t most = call->rows * call->row;
        int64_t begin = task * CF_TASK, end = begin + CF_TASK < most ? begin + CF_TASK : most;
        while (begin < end) {
            const int64_t row = begin / call->row, first = row * call->row;
            const int64_t last = end < first + call->row ? end : first + call->row;
            if (cf_evaluate_row(call, row, begin - first, last - first))
                atomic_store_explicit(&call->failed, 1, memory_order_relaxed);
            begin = last;
        }
        atomic_fetch_add_explicit(&call->done, 1, memory_order_release);
    }
    if (atomic_fetch_sub(&call->references, 1) == 1) free(call);
}

/* ---- XLA's side ---- */

static XLA_FFI_Error *cf_error(const XLA_FFI_Api *api, XLA_FFI_Error_Code code, const char *message)
{
    XLA_FFI_Error_Create_Args args = {XLA_FFI_Error_Create_Args_STRUCT_SIZE, NULL, message, code};
    return api->XLA_FFI_Error_Create(&args);
}

static void cf_destroy(const XLA_FFI_Api *api, XLA_FFI_Error *error)
{
    XLA_FFI_Error_Destroy_Args args = {XLA_FFI_Error_Destroy_Args_STRUCT_SIZE, NULL, error};
    api->XLA_FFI_Error_Destroy(&args);
}

/* The enum cf_type of a type, and its size; -1 if it is another. */
static int cf_type_of(XLA_FFI_DataType type, int *size)
{
    switch (type) {
    case XLA_FFI_DataType_S8: return *size = 1, CF_INT8;
    case XLA_FFI_DataType_S16: return *size = 2, CF_INT16;
    case XLA_FFI_DataType_S32: return *size = 4, CF_INT32;
    case XLA_FFI_DataType_S64: return *size = 8, CF_INT64;
    case XLA_FFI_DataType_U8: return *size = 1, CF_UINT8;
    case XLA_FFI_DataType_U16: return *size = 2, CF_UINT16;
    case XLA_FFI_DataType_U32: return *size = 4, CF_UINT32;
    case XLA_FFI_DataType_U64: return *size = 8, CF_UINT64;
    case XLA_FFI_DataType_F32: return *size = 4, CF_FLOAT32;
    case XLA_FFI_DataType_F64: return *size = 8, CF_FLOAT64;
    default: return -1;
    }
}

/* The handler. XLA also calls it with nothing to evaluate, to ask which version of the API it was built with. */
XLA_FFI_Error *cf_jax_handler(XLA_FFI_CallFrame *frame)
{
    const XLA_FFI_Extension_Base *extension = frame->extension_start;
    const XLA_FFI_Api *const api = frame->api;
    const XLA_FFI_Buffer *parameters, *steps, *rates;
    XLA_FFI_ThreadPool_Schedule_Args helper = {
        XLA_FFI_ThreadPool_Schedule_Args_STRUCT_SIZE, NULL, frame->ctx, cf_take_tasks, NULL};
    XLA_FFI_Error *error;
    cf_call *call;
    int64_t schedules = 1, threads = 1, i;
    int failed;

    if (extension && extension->type == XLA_FFI_Extension_Metadata) {
        XLA_FFI_Metadata *const metadata = ((XLA_FFI_Metadata_Extension *)extension)->metadata;
        metadata->api_version.major_version = XLA_FFI_API_MAJOR;
        metadata->api_version.minor_version = XLA_FFI_API_MINOR;
        metadata->traits = 0;
        return NULL;
    }
    if (frame->args.size != 2 || frame->rets.size != 1)
        return cf_error(api, XLA_FFI_Error_Code_INVALID_ARGUMENT, "cosine_fast takes two arrays and gives one");
    parameters = (const XLA_FFI_Buffer *)frame->args.args[0];
    steps = (const XLA_FFI_Buffer *)frame->args.args[1];
    rates = (const XLA_FFI_Buffer *)frame->rets.rets[0];

    call = (cf_call *)calloc(1, sizeof *call);
    if (!call) return cf_error(api, XLA_FFI_Error_Code_RESOURCE_EXHAUSTED, "cosine_fast has no memory");
    call->parameters = (const char *)parameters->data;
    call->steps = (const char *)steps->data;
    call->rates = (char *)rates->data;
    call->axes = (int)parameters->rank - 1;
    call->words = parameters->dims[call->axes] / 2;
    call->parameter_axes = parameters->dims;
    call->step_axes = steps->dims;
    call->rate_axes = rates->dims;
    call->job.steps.type = cf_type_of(steps->dtype, &call->step_size);
    call->job.rates.type = cf_type_of(rates->dtype, &call->rate_size);
    for (i = 0; i < call->axes; i++) schedules *= parameters->dims[i];
    failed = call->job.steps.type < 0 || call->job.rates.type < CF_FLOAT32;
    for (i = 0; i < schedules; i++)
        failed |= !cf_is_sound((const uint64_t *)parameters->data + i * call->words, call->words);
    if (failed) {
        free(call);
        return cf_error(api, XLA_FFI_Error_Code_INVALID_ARGUMENT,
                        "the parameters of a schedule of cosine_fast have been changed, or are of another version");
    }
    if (schedules == 1) call->axes = 0; /* all steps are one row */
    call->rows = call->row = 1;
    for (i = 0; i < rates->rank; i++) *(i < call->axes ? &call->rows : &call->row) *= rates->dims[i];
    call->job.dimensions = 1;
    call->job.shape[0] = call->row;
    call->job.steps.strides[0] = call->step_size;
    call->job.rates.strides[0] = call->rate_size;
    call->job.streamed = call->rows * call->row > CF_STREAMED / call->rate_size;
    call->tasks = (call->rows * call->row + CF_TASK - 1) / CF_TASK;

    if (call->tasks > 1) {
        XLA_FFI_ThreadPool_NumThreads_Args ask = {
            XLA_FFI_ThreadPool_NumThreads_Args_STRUCT_SIZE, NULL, frame->ctx, &threads};
        if ((error = api->XLA_FFI_ThreadPool_NumThreads(&ask))) {
            cf_destroy(api, error); /* there are none */
            threads = 1;
        }
        if (threads > call->tasks) threads = call->tasks;
    }
    /* One for each thread, this one included, and one until the end of this function. */
    call->references = (int)threads + 1;
    helper.data = call;
    for (i = 1; i < threads; i++) {
        if (!(error = api->XLA_FFI_ThreadPool_Schedule(&helper))) continue;
        cf_destroy(api, error);
        atomic_fetch_sub_explicit(&call->references, 1, memory_order_relaxed);
    }
    cf_take_tasks(call);
    while (atomic_load_explicit(&call->done, memory_order_acquire) < call->tasks) cf_yield();
    failed = call->failed;
    if (atomic_fetch_sub(&call->references, 1) == 1) free(call);
    return failed ? cf_error(api, XLA_FFI_Error_Code_RESOURCE_EXHAUSTED, "cosine_fast has no memory") : NULL;
}
