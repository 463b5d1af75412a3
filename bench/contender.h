// Implementations that are timed beside each other.
#ifndef MASKPROOF_BENCH_CONTENDER_H_
#define MASKPROOF_BENCH_CONTENDER_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "bench/problem.h"

namespace maskproof::bench {

// One problem, ready to be computed again and again with a number of threads. Everything that a
// runtime does once per model is done: weights packed, memory bound.
class Contender {
 public:
  Contender() = default;
  Contender(const Contender&) = delete;
  Contender& operator=(const Contender&) = delete;
  virtual ~Contender() = default;

  // What is timed. False with the reason if it failed.
  virtual bool Run(std::string& error) = 0;
  // What the last Run computed, laid out as Problem::output_dims says.
  virtual std::span<const float> output() const = 0;
};

class Implementation {
 public:
  Implementation() = default;
  Implementation(const Implementation&) = delete;
  Implementation& operator=(const Implementation&) = delete;
  virtual ~Implementation() = default;

  virtual const std::string& name() const = 0;
  virtual bool ours() const { return false; }
  // The SIMD target whose peak it is measured against; 0 for the best of this machine.
  virtual int64_t target() const { return 0; }
  virtual bool AppliesTo(Work work) const = 0;
  // Null with the reason if it cannot compute this. `problem` outlives the contender.
  virtual std::unique_ptr<Contender> Prepare(const Problem& problem, int threads,
                                             std::string& error) = 0;
};

// Our kernels; on the best SIMD target if the name is empty. Null for a target that is not here.
std::unique_ptr<Implementation> MakeOurs(const std::string& target_name);

// "onnxruntime:VERSION", "onnxruntime:PATH", "openblas" or "onednn". Null with the reason.
std::unique_ptr<Implementation> MakePeer(const std::string& specification, std::string& error);

}  // namespace maskproof::bench

#endif  // MASKPROOF_BENCH_CONTENDER_H_
