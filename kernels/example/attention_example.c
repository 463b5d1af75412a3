/* The attention core from C: one query over three keys, the last of which is padding. */
#include <maskproof/kernels/c_api.h>
#include <stdio.h>

int main(void) {
  const float query[] = {1, 0};
  const float key[] = {1, 0, 1, 0, 9, 9};
  const float value[] = {1, 2, 3, 4, 100, 100};
  const int32_t length[] = {2};
  const int64_t length_dims[] = {1};
  const maskproof_tensor mask = {length, length_dims, 1, MASKPROOF_INT32};
  float output[2] = {0, 0};
  char message[200];

  maskproof_core_call call = {.size = sizeof(call),
                              .batch = 1,
                              .heads = 1,
                              .query_length = 1,
                              .total_length = 3,
                              .head_size = 2,
                              .value_head_size = 2,
                              .query = {query, 2, 2, 2},
                              .key = {key, 6, 6, 2},
                              .value = {value, 6, 6, 2},
                              .mask_index = &mask,
                              .output = output,
                              .output_batch_stride = 2,
                              .output_head_stride = 2,
                              .output_row_stride = 2};
  if (maskproof_core(&call, NULL, message, sizeof(message)) != MASKPROOF_OK) {
    fprintf(stderr, "%s\n", message);
    return 1;
  }
  printf("output %g %g\n", (double)output[0], (double)output[1]);
  return output[0] == 2.0F && output[1] == 3.0F ? 0 : 1;
}
