// How a call is to be run: SIMD target and threads. Neither changes which elements are written;
// the thread count does not change a single bit of the result.
#ifndef MASKPROOF_KERNELS_EXECUTION_H_
#define MASKPROOF_KERNELS_EXECUTION_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace maskproof::kernels {

inline constexpr size_t kMostConcurrency = 1024;

// Runs `count` independent tasks, each exactly once, and returns when all are done. Implement it
// to run the kernels on a runtime's own threads. Run must not throw.
class ParallelFor {
 public:
  using Task = void (*)(void* context, size_t index);

  virtual ~ParallelFor() = default;
  // Number of tasks that may run at the same time, at least 1. Asked once for each call of the
  // library, and taken as kMostConcurrency where it is more.
  virtual size_t Concurrency() const = 0;
  virtual void Run(size_t count, Task task, void* context) = 0;
};

// A pool of `threads - 1` workers; the caller's thread is the last one. `threads` >= 1. A task may
// call Run of its own pool, but not of one that waits for it, as through a second pool.
std::unique_ptr<ParallelFor> MakeThreadPool(size_t threads);

// A SIMD instruction set compiled into the library and usable on this machine.
struct Target {
  // "AMX_BF16", "AMX", "NEON_DOT", or Highway's name: "AVX3_DL", "AVX3", "AVX2", "SSE4", "NEON",
  // "EMU128", ... On AMX_BF16 the bits of a row may depend on the numbers of tokens.
  std::string_view name;
  int64_t id = 0;
};

// All targets that this machine can run, best first; never empty. The first call asks Linux for the
// use of AMX, if the processor has it: threads' signal stacks must be large enough for its tiles.
const std::vector<Target>& SupportedTargets();

// What a workspace must be aligned to, in bytes.
inline constexpr size_t kWorkspaceAlignment = 64;

struct Execution {
  int64_t target = 0;               // Target::id; 0 means the best one
  ParallelFor* parallel = nullptr;  // null: everything on the calling thread
  // Scratch memory of the call, at least as many bytes as the ...WorkspaceSize function says; null:
  // from the heap. With a workspace and packed weights, a call allocates nothing.
  void* workspace = nullptr;
  size_t workspace_size = 0;
};

}  // namespace maskproof::kernels

#endif  // MASKPROOF_KERNELS_EXECUTION_H_
