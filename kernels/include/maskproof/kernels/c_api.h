/* The kernels for programs that are not written in C++. Semantics, shapes and refusals are those of
 * attention.h and docs/operators.md.
 *
 * Structs that hold arguments begin with `size`, their own sizeof: a later version that adds
 * members at the end of a call or an execution takes the shorter ones of today. What stands inside
 * of other structs, the attributes among them, does not grow. What is zero or NULL is absent or has
 * its default value; tensors that are optional are pointers to structs.
 *
 * Every function that can fail returns a code and, if `message` is not NULL, writes a text of at
 * most message_size - 1 bytes and a zero: which tensor, what was expected and what came. When the
 * code is not MASKPROOF_OK, no output byte has been written. All functions are reentrant. */
#ifndef MASKPROOF_KERNELS_C_API_H_
#define MASKPROOF_KERNELS_C_API_H_

#include <stddef.h>
#include <stdint.h>

/* C has no other way. NOLINTBEGIN(modernize-use-using) */

#ifdef __cplusplus
extern "C" {
#endif

typedef enum maskproof_code {
  MASKPROOF_OK = 0,
  MASKPROOF_INVALID_ARGUMENT = 1,
  MASKPROOF_NOT_SUPPORTED = 2,
  MASKPROOF_OUT_OF_MEMORY = 3
} maskproof_code;

/* A dense row-major tensor. */
typedef enum maskproof_type {
  MASKPROOF_FLOAT32 = 0,
  MASKPROOF_INT32 = 1,
  MASKPROOF_INT8 = 2,
  MASKPROOF_UINT8 = 3
} maskproof_type;

typedef struct maskproof_tensor {
  const void* data;
  const int64_t* dims;
  size_t rank;
  maskproof_type type;
} maskproof_tensor;

typedef struct maskproof_output {
  float* data;
  const int64_t* dims;
  size_t rank;
} maskproof_output;

/* ---- How to run -------------------------------------------------------------------------------*/

/* SIMD targets of this machine, best first. NULL and 0 from `count` on. */
size_t maskproof_target_count(void);
const char* maskproof_target_name(size_t index);
int64_t maskproof_target_id(size_t index);

/* Threads. `run` calls task(context, i) once for every i below count, and returns when all are
 * done; up to `concurrency` of them at the same time. */
typedef struct maskproof_parallel_for {
  void* state;
  size_t concurrency;
  void (*run)(void* state, size_t count, void (*task)(void* context, size_t index), void* context);
} maskproof_parallel_for;

/* A pool of threads - 1 workers; the caller's thread is the last one. NULL if there is no memory.
 * Destroy it when no call uses it any more. */
typedef struct maskproof_thread_pool maskproof_thread_pool;
maskproof_thread_pool* maskproof_thread_pool_create(size_t threads);
void maskproof_thread_pool_destroy(maskproof_thread_pool* pool);

typedef struct maskproof_execution {
  size_t size;
  int64_t target;                         /* a maskproof_target_id; 0: the best */
  maskproof_thread_pool* pool;            /* at most one of these two; */
  const maskproof_parallel_for* parallel; /* neither: on the calling thread */
  void* workspace;                        /* aligned to 64 bytes; NULL: from the heap */
  size_t workspace_size;
} maskproof_execution;

/* ---- Attention --------------------------------------------------------------------------------*/

typedef struct maskproof_packed_weights maskproof_packed_weights;
/* Packs weights (Di, D + D + Dv) of float32 for execution->target. */
maskproof_code maskproof_pack_attention_weights(const maskproof_tensor* weights,
                                                const maskproof_execution* execution,
                                                maskproof_packed_weights** packed, char* message,
                                                size_t message_size);
void maskproof_packed_weights_destroy(maskproof_packed_weights* packed);

typedef struct maskproof_attributes {
  size_t size;
  int64_t num_heads;
  int64_t unidirectional;
  const int64_t* qkv_hidden_sizes; /* 3 of them, or NULL */
  float scale;                     /* 0: 1/sqrt(H) */
  int zero_fully_masked; /* 0: a row that sees no key is the mean of all values; else 0s */
} maskproof_attributes;

typedef struct maskproof_attention_call {
  size_t size;
  maskproof_attributes attributes;
  maskproof_tensor input;                         /* (B, S, Di) */
  maskproof_tensor weights;                       /* (Di, D + D + Dv) */
  const maskproof_packed_weights* packed_weights; /* then weights.data is not read */
  const maskproof_tensor* bias;                   /* (D + D + Dv) */
  const maskproof_tensor* mask_index;
  const maskproof_tensor* past;           /* (2, B, N, P, H) */
  const maskproof_tensor* attention_bias; /* (B or 1, N or 1, S, T) */
  maskproof_output output;                /* (B, S, Dv) */
  const maskproof_output* present;        /* (2, B, N, T, H) */
} maskproof_attention_call;

/* `execution` may be NULL. */
maskproof_code maskproof_attention(const maskproof_attention_call* call,
                                   const maskproof_execution* execution, char* message,
                                   size_t message_size);
/* Bytes of workspace for the same call; tensors may still be without data. */
maskproof_code maskproof_attention_workspace_size(const maskproof_attention_call* call,
                                                  const maskproof_execution* execution,
                                                  size_t* bytes, char* message,
                                                  size_t message_size);

/* ---- QAttention -------------------------------------------------------------------------------*/

typedef struct maskproof_packed_qweights maskproof_packed_qweights;
/* Packs weights (Di, 3 D) of int8 or uint8 for execution->target. weight_zero_point may be NULL; a
 * call with these weights must come with the same. */
maskproof_code maskproof_pack_qattention_weights(const maskproof_tensor* weights,
                                                 const maskproof_tensor* weight_zero_point,
                                                 const maskproof_execution* execution,
                                                 maskproof_packed_qweights** packed, char* message,
                                                 size_t message_size);
void maskproof_packed_qweights_destroy(maskproof_packed_qweights* packed);

typedef struct maskproof_qattention_call {
  size_t size;
  maskproof_attributes attributes;
  maskproof_tensor input;                          /* (B, S, Di), int8 or uint8 */
  maskproof_tensor weights;                        /* (Di, 3 D), int8 or uint8 */
  const maskproof_packed_qweights* packed_weights; /* then weights.data is not read */
  maskproof_tensor bias;                           /* (3 D) */
  maskproof_tensor input_scale;                    /* scalar or (1) */
  maskproof_tensor weight_scale;                   /* scalar, (1) or (3 D) */
  const maskproof_tensor* mask_index;
  const maskproof_tensor* input_zero_point;  /* scalar or (1), typed as input */
  const maskproof_tensor* weight_zero_point; /* scalar, (1) or (3 D), typed as weights */
  const maskproof_tensor* past;
  maskproof_output output;
  const maskproof_output* present;
} maskproof_qattention_call;

maskproof_code maskproof_qattention(const maskproof_qattention_call* call,
                                    const maskproof_execution* execution, char* message,
                                    size_t message_size);
maskproof_code maskproof_qattention_workspace_size(const maskproof_qattention_call* call,
                                                   const maskproof_execution* execution,
                                                   size_t* bytes, char* message,
                                                   size_t message_size);

/* ---- The attention core -----------------------------------------------------------------------*/

/* Indexed (batch, head, row, column); strides count elements, columns are contiguous. */
typedef struct maskproof_strided {
  const float* data;
  int64_t batch_stride;
  int64_t head_stride;
  int64_t row_stride;
} maskproof_strided;

typedef struct maskproof_core_call {
  size_t size;
  int64_t batch;           /* B */
  int64_t heads;           /* N */
  int64_t query_length;    /* S */
  int64_t total_length;    /* T >= S */
  int64_t head_size;       /* H */
  int64_t value_head_size; /* Hv */
  maskproof_strided query; /* (B, N, S, H) */
  maskproof_strided key;   /* (B, N, T, H) */
  maskproof_strided value; /* (B, N, T, Hv) */
  const maskproof_tensor* mask_index;
  const maskproof_tensor* attention_bias;
  int causal; /* not 0: query s sees keys t <= T - S + s */
  float scale;
  int zero_fully_masked;
  float* output; /* (B, N, S, Hv), with the strides that follow */
  int64_t output_batch_stride;
  int64_t output_head_stride;
  int64_t output_row_stride;
} maskproof_core_call;

maskproof_code maskproof_core(const maskproof_core_call* call, const maskproof_execution* execution,
                              char* message, size_t message_size);
maskproof_code maskproof_core_workspace_size(const maskproof_core_call* call,
                                             const maskproof_execution* execution, size_t* bytes,
                                             char* message, size_t message_size);

#ifdef __cplusplus
}
#endif

/* NOLINTEND(modernize-use-using) */

#endif /* MASKPROOF_KERNELS_C_API_H_ */
