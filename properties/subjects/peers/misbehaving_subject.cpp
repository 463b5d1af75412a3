#include "properties/subjects/peers/misbehaving_subject.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

namespace maskproof::peers {
namespace {

constexpr std::array<std::string_view, 8> kKinds = {"echo", "crash",    "abort",   "exit",
                                                    "hang", "allocate", "corrupt", "late-crash"};

[[noreturn]] void Crash() {
  // Not a raise() alone: a sanitizer's handler would let that pass.
  std::signal(SIGSEGV, SIG_DFL);
  std::raise(SIGSEGV);
  std::abort();
}

void AllocateWithoutEnd() {
  std::vector<std::vector<char>> blocks;
  while (true) blocks.emplace_back(size_t{64} << 20, 'x');
}

// Tramples over the bookkeeping in front of a block, and lets the allocator find it.
void CorruptHeap() {
  auto* const block = static_cast<char*>(std::malloc(2000));
  if (block == nullptr) return;
  // Both volatile: the compiler is neither to see the fault nor to drop the writes.
  const volatile std::ptrdiff_t before = -16;
  volatile char* const bookkeeping = block + before;
  for (int i = 0; i < 16; ++i) bookkeeping[i] = 0x5a;
  std::free(block);
}

class MisbehavingSubject final : public InProcessSubject {
 public:
  explicit MisbehavingSubject(std::string kind) : kind_(std::move(kind)), name_("test:" + kind_) {}

  const std::string& name() const override { return name_; }
  const std::string& target() const override { return target_; }
  const Promises& promises() const override { return promises_; }
  bool Supports(const Case& c) const override { return c.op == Op::kAttention; }

 protected:
  OutcomeKind Invoke(const BoundCase& bound, std::string& message) override {
    if (damaged_) Crash();
    if (bound.c->salt % 2 == 1) Misbehave();
    const BoundTensor& input = bound[TensorId::kInput];
    if (input.tensor == nullptr) {
      message = "input: absent";
      return OutcomeKind::kRefused;
    }
    const int64_t size = std::min(input.tensor->size(), ElementCount(bound.output_dims));
    const auto bytes = static_cast<size_t>(size) * sizeof(float);
    if (bytes > 0) std::memcpy(bound.output, input.data, bytes);
    return OutcomeKind::kOutput;
  }

 private:
  void Misbehave() {
    if (kind_ == "crash") Crash();
    if (kind_ == "abort") {
      std::fputs("a failed assertion\n", stderr);
      std::abort();
    }
    if (kind_ == "exit") _exit(3);
    if (kind_ == "hang") {
      while (true) pause();
    }
    if (kind_ == "allocate") AllocateWithoutEnd();
    if (kind_ == "corrupt") CorruptHeap();
    if (kind_ == "late-crash") damaged_ = true;
  }

  std::string kind_;
  std::string name_;
  std::string target_ = "native";
  Promises promises_;
  bool damaged_ = false;
};

}  // namespace

std::unique_ptr<Subject> MakeMisbehavingSubject(const std::string& kind) {
  if (std::ranges::find(kKinds, kind) == kKinds.end()) return nullptr;
  return std::make_unique<MisbehavingSubject>(kind);
}

}  // namespace maskproof::peers
