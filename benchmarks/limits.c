/* The memory limit: read int64 and write doubles, or only write doubles, with plain and with streaming stores.
 *
 * The loops compute nothing, so no kernel that moves the same bytes with the same threads can be faster, except by
 * chance. Each thread has one piece of whole cache lines. Streaming stores bypass the caches: the processor need not
 * read a line before it overwrites it, but they are slower where the caches could have held the results. */

#include <stdint.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

typedef void convert_loop(const int64_t *steps, double *rates, int64_t n);
typedef void fill_loop(double *rates, int64_t n, double value);

static void convert_plainly(const int64_t *steps, double *rates, int64_t n)
{
    int64_t i;
    for (i = 0; i < n; i++) rates[i] = (double)steps[i];
}

static void fill_plainly(double *rates, int64_t n, double value)
{
    int64_t i;
    for (i = 0; i < n; i++) rates[i] = value;
}

#ifdef __x86_64__

/* How far ahead to prefetch steps: the hardware prefetcher stops at the end of each page. */
enum { AHEAD = 512 };

/* WIDTH doubles at a time; a head and a tail do not fill an aligned vector. */
#define LOOPS(name, target_name, width, vector, load, convert, store, set)                                            \
    __attribute__((target(target_name))) static void convert_##name(const int64_t *steps, double *rates, int64_t n)   \
    {                                                                                                                 \
        int64_t i = 0;                                                                                                \
        for (; i < n && (uintptr_t)(rates + i) % 64; i++) rates[i] = (double)steps[i];                                \
        for (; i + 8 <= n; i += 8) {                                                                                  \
            int64_t j;                                                                                                \
            _mm_prefetch((const char *)(steps + i + AHEAD), _MM_HINT_T0);                                             \
            for (j = i; j < i + 8; j += width) store(rates + j, convert(load((const void *)(steps + j))));            \
        }                                                                                                             \
        for (; i < n; i++) rates[i] = (double)steps[i];                                                               \
        _mm_sfence();                                                                                                 \
    }                                                                                                                 \
    __attribute__((target(target_name))) static void fill_##name(double *rates, int64_t n, double value)              \
    {                                                                                                                 \
        const vector all = set(value);                                                                                \
        int64_t i = 0;                                                                                                \
        for (; i < n && (uintptr_t)(rates + i) % 64; i++) rates[i] = value;                                           \
        for (; i + width <= n; i += width) store(rates + i, all);                                                     \
        for (; i < n; i++) rates[i] = value;                                                                          \
        _mm_sfence();                                                                                                 \
    }

/* AVX2 cannot convert int64: for steps below 2^51 add the number to the bits of 3 * 2^51 and subtract that. */
__attribute__((target("avx2"))) static inline __m256d avx2_convert(__m256i steps)
{
    const __m256d magic = _mm256_set1_pd(0x3p+51);
    return _mm256_sub_pd(_mm256_castsi256_pd(_mm256_add_epi64(steps, _mm256_castpd_si256(magic))), magic);
}

LOOPS(avx2, "avx2", 4, __m256d, _mm256_loadu_si256, avx2_convert, _mm256_store_pd, _mm256_set1_pd)
LOOPS(avx2_streaming, "avx2", 4, __m256d, _mm256_loadu_si256, avx2_convert, _mm256_stream_pd, _mm256_set1_pd)
LOOPS(avx512, "avx512f,avx512dq", 8, __m512d, _mm512_loadu_si512, _mm512_cvtepi64_pd, _mm512_store_pd, _mm512_set1_pd)
LOOPS(avx512_streaming, "avx512f,avx512dq", 8, __m512d, _mm512_loadu_si512, _mm512_cvtepi64_pd, _mm512_stream_pd,
      _mm512_set1_pd)

#define CHOOSE(loop, plainly)                                                                             \
    (__builtin_cpu_supports("avx512dq") ? (streaming ? loop##_avx512_streaming : loop##_avx512)           \
     : __builtin_cpu_supports("avx2")   ? (streaming ? loop##_avx2_streaming : loop##_avx2)               \
                                        : plainly)
#else
#define CHOOSE(loop, plainly) ((void)streaming, plainly)
#endif

/* Whether streaming stores are implemented for this processor; if not, they are plain. */
int has_streaming(void)
{
#ifdef __x86_64__
    return __builtin_cpu_supports("avx2") != 0;
#else
    return 0;
#endif
}

/* The piece of thread t begins at the first whole line of doubles from here on. */
static int64_t piece(const double *rates, int64_t n, int64_t t, int64_t threads)
{
    const int64_t head = (int64_t)((64 - (uintptr_t)rates % 64) % 64 / sizeof *rates);
    const int64_t at = head + n / threads * t / 8 * 8;
    return t == 0 ? 0 : t == threads || at > n ? n : at;
}

void convert(const int64_t *steps, double *rates, int64_t n, int64_t threads, int64_t streaming)
{
    convert_loop *const loop = CHOOSE(convert, convert_plainly);
    int64_t t;
#pragma omp parallel for num_threads((int)threads) schedule(static, 1)
    for (t = 0; t < threads; t++) {
        const int64_t begin = piece(rates, n, t, threads), end = piece(rates, n, t + 1, threads);
        loop(steps + begin, rates + begin, end - begin);
    }
}

void fill(double *rates, int64_t n, int64_t threads, int64_t streaming)
{
    fill_loop *const loop = CHOOSE(fill, fill_plainly);
    int64_t t;
#pragma omp parallel for num_threads((int)threads) schedule(static, 1)
    for (t = 0; t < threads; t++) {
        const int64_t begin = piece(rates, n, t, threads), end = piece(rates, n, t + 1, threads);
        loop(rates + begin, end - begin, 1.0);
    }
}
