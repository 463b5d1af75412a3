// A subject: an implementation under test.
#ifndef MASKPROOF_PROPERTIES_SUBJECTS_SUBJECT_H_
#define MASKPROOF_PROPERTIES_SUBJECTS_SUBJECT_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "properties/case/case.h"
#include "properties/oracle/oracle.h"

namespace maskproof {

class Companion;

// What a subject promises. An invariant that compares a subject with itself is bitwise where the
// subject promises reproducible rows, and within the oracle's bound where it does not.
struct Promises {
  FullyMasked fully_masked = FullyMasked::kUniform;
  // What it is known to do about masks, and what it is held to.
  DialectId claimed_dialect = DialectId::kIdeal;
  DialectId dialect = DialectId::kIdeal;
  // The bits of a row do not depend on the batch, the other heads, how the mask is encoded, keys
  // that are masked or appended, or the number of threads.
  bool reproducible_rows = false;
  // But for this: the way a row is computed may depend on how many queries and keys there are, and
  // on whether a key or value that it sees holds a number that is not finite, very large or very
  // small.
  bool several_ways = false;
  // Two calls with the same case give the same bits, and the order of a sum depends on the
  // length of it alone.
  bool deterministic = true;
  // May be run by several threads at once.
  bool reentrant = false;
  // The message of a refusal names the tensor or attribute at fault as the suite does (TensorName,
  // or the attribute's ONNX name). One that begins with the name goes on with the numbers and
  // shapes, "(2,3)", that were expected and that came, as case/validity.h puts them.
  bool names_faults = false;
  // Every NaN in an output, and in the new rows of present, has the bits 0x7FC00000, whatever the
  // NaN was that it comes from.
  bool one_nan = false;
  // No output element is -0, so that zeros compare equal by bits, too.
  bool no_negative_zero = false;
  NumericsProfile profile;
};

// What happened around the call, seen by the harness. Filled when RunRequest::audit is set.
struct MemoryReport {
  bool inputs_changed = false;
  bool wrote_outside = false;       // canaries around an output were overwritten
  int64_t unwritten = 0;            // output elements never written (call succeeded)
  bool touched_on_refusal = false;  // an output byte changed though the call was refused
  bool float_environment_changed = false;
  std::string detail;  // names the tensor and the first offset
  bool clean() const {
    return !inputs_changed && !wrote_outside && unwritten == 0 && !touched_on_refusal &&
           !float_environment_changed;
  }
};

enum class MemoryPlacement : uint8_t {
  kPlain,
  kGuardAfter,   // every tensor ends where an unreadable page begins (to the element's alignment)
  kGuardBefore,  // every tensor begins right after an unreadable page
  kUnaligned,    // every tensor begins some elements later than that, few enough for no vector
};

struct RunRequest {
  MemoryPlacement placement = MemoryPlacement::kPlain;
  bool audit = false;
  // The caller has flush-to-zero and denormals-are-zero switched on, and wants to keep them.
  bool flushing = false;
  int threads = 0;  // 0: the subject's own number; otherwise, where the subject can, this many
  // Run over and over by a second thread meanwhile, where the subject is reentrant. The case itself
  // is then run `times` times; the outcome is the first whose output is not that of the first run,
  // or that of the first run.
  std::shared_ptr<const Case> company = nullptr;
  int times = 1;
};

enum class OutcomeKind : uint8_t {
  kOutput,       // `output` is set
  kRefused,      // the subject gave an error; `message` is its text
  kUnsupported,  // the subject declares that it cannot express this case; never a finding
  kCrashed,      // died of a signal (isolated subjects)
  kHung,         // exceeded its time (isolated subjects)
  kExhausted,    // exceeded its memory (isolated subjects)
};
const char* OutcomeKindName(OutcomeKind kind);

struct Outcome {
  OutcomeKind kind = OutcomeKind::kUnsupported;
  std::string message;
  Output output;
  MemoryReport memory;
};

class Subject {
 public:
  virtual ~Subject() = default;

  virtual const std::string& name() const = 0;    // as given on the command line
  virtual const std::string& target() const = 0;  // SIMD target or "native"
  virtual const Promises& promises() const = 0;
  // Whether the subject can express the case at all (operator, types, attributes, mask form). The
  // case need not be valid. Cheap.
  virtual bool Supports(const Case& c) const = 0;
  // May be called any number of times. Does not throw.
  virtual Outcome Run(const Case& c, const RunRequest& request = {}) = 0;
  // Processor time in seconds that its runs have taken so far in other processes than this one.
  virtual double ProcessorSecondsElsewhere() const { return 0.0; }
};

// Tensors of a case where the harness has put them: what an in-process subject gets to see.
struct BoundTensor {
  void* data = nullptr;            // null if absent or empty
  const Tensor* tensor = nullptr;  // type and dims; null if absent. Not the data: use `data`
};
struct BoundCase {
  const Case* c = nullptr;
  std::array<BoundTensor, kTensorCount> tensors;
  const BoundTensor& operator[](TensorId id) const { return tensors[static_cast<size_t>(id)]; }
  float* output = nullptr;
  std::span<const int64_t> output_dims;
  float* present = nullptr;  // null unless the case wants it
  std::span<const int64_t> present_dims;
  int threads = 0;
  // For subjects that lay tensors out a second time: where, and, if the run is audited, what they
  // saw.
  MemoryPlacement placement = MemoryPlacement::kPlain;
  MemoryReport* report = nullptr;
};

// Base of subjects that run in this process: places the tensors, prefills outputs, audits memory.
// For an invalid case, the output buffers have the dims that OutputDims would give when the case's
// sizes can be made out, or one element.
class InProcessSubject : public Subject {
 public:
  InProcessSubject();
  ~InProcessSubject() override;
  Outcome Run(const Case& c, const RunRequest& request = {}) final;

 protected:
  // Computes the outputs or refuses. `message` is set on refusal. Called by several threads at once
  // if the subject promises to be reentrant.
  virtual OutcomeKind Invoke(const BoundCase& bound, std::string& message) = 0;

 private:
  Outcome RunOnce(const Case& c, const RunRequest& request);
  Outcome RunInCompany(const Case& c, const RunRequest& request);

  std::unique_ptr<Companion> companion_;  // once there was company
};

// The library's own kernels on one SIMD target. `target_name` is one of kernels::SupportedTargets.
// Null if there is none of that name.
std::unique_ptr<Subject> MakeKernelsSubject(const std::string& target_name, int threads,
                                            FullyMasked fully_masked = FullyMasked::kUniform);

// One subject per SIMD target of this machine (threads = 1), and the best one with several threads.
std::vector<std::unique_ptr<Subject>> AllKernelsSubjects();

// A plainly written float32 implementation, correct, and its deliberately broken variants
// (planted.cpp). `defect` empty: the correct one.
std::unique_ptr<Subject> MakePlantedSubject(const std::string& defect);
struct PlantedDefect {
  const char* name;
  const char* what;     // what is wrong
  const char* seen_in;  // the real report behind it
  // Some case of no more heads and tokens shows it.
  int64_t heads = 2;
  int64_t tokens = 5;
  const char* sanitizer = "";  // that alone is sure to see it; "" if the output shows it
  bool harness = false;        // tests the harness: no kernel was ever wrong like this
};
const std::vector<PlantedDefect>& PlantedDefects();

// By specification: "kernels" (best target), "kernels:AVX2", "kernels:AVX2,threads=2",
// "planted:NAME", "planted:none", "onnxruntime:VERSION", "onnxruntime:PATH". On failure gives null
// and says why in `error`. Subjects of foreign code run isolated in a child process;
// "isolated:SPEC" does so with any other. (subjects/registry.cpp)
std::unique_ptr<Subject> MakeSubject(const std::string& specification, std::string& error);

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_SUBJECTS_SUBJECT_H_
