// The harness around in-process subjects, and the kernels as it drives them.
#include "properties/subjects/subject.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "maskproof/kernels/execution.h"
#include "properties/base/rng.h"
#include "properties/case/validity.h"
#include "properties/recipe/recipe.h"
#include "properties/subjects/float_environment.h"
#include "properties/subjects/kernels_ways.h"
#include "properties/subjects/lone_worker.h"
#include "properties/subjects/own_workspace.h"
#include "properties/subjects/placed_output.h"
#include "properties/tests/subject_agreement.h"

namespace maskproof {
namespace {

constexpr uint64_t kSeed = 20230127;

// ---- the harness --------------------------------------------------------------------------------

// A subject that does what the test says.
class Probe final : public InProcessSubject {
 public:
  using Action = std::function<OutcomeKind(const BoundCase&, std::string&)>;
  explicit Probe(Action action) : action_(std::move(action)) {}

  const std::string& name() const override { return name_; }
  const std::string& target() const override { return name_; }
  const Promises& promises() const override { return promises_; }
  bool Supports(const Case& c) const override { return c.op != Op::kQAttention; }

 protected:
  OutcomeKind Invoke(const BoundCase& bound, std::string& message) override {
    return action_(bound, message);
  }

 private:
  Action action_;
  std::string name_ = "probe";
  Promises promises_;
};

// Attention with past and present: B=1, S=2, P=3, N=1, H=3, Di=5.
Case SmallCase() {
  Recipe recipe;
  recipe.sequence = 2;
  recipe.past = 3;
  recipe.present = true;
  recipe.head_size = 3;
  recipe.value_head_size = 3;
  recipe.input_width = 5;
  Normalize(recipe);
  return Expand(recipe);
}

void WriteAll(const BoundCase& bound) {
  std::fill_n(bound.output, ElementCount(bound.output_dims), 1.0F);
  if (bound.present != nullptr) {
    std::fill_n(bound.present, ElementCount(bound.present_dims), 2.0F);
  }
}

constexpr MemoryPlacement kPlacements[] = {MemoryPlacement::kPlain, MemoryPlacement::kGuardAfter,
                                           MemoryPlacement::kGuardBefore,
                                           MemoryPlacement::kUnaligned};

RunRequest Audited(MemoryPlacement placement) {
  RunRequest request;
  request.placement = placement;
  request.audit = true;
  return request;
}

// Runs `action` after everything has been written properly.
MemoryReport ReportOf(const Probe::Action& action, MemoryPlacement placement) {
  Probe probe([&](const BoundCase& bound, std::string& message) {
    WriteAll(bound);
    return action(bound, message);
  });
  return probe.Run(SmallCase(), Audited(placement)).memory;
}

TEST(InProcessSubject, LendsEveryTensorAndReturnsTheOutputs) {
  const Case c = SmallCase();
  for (const MemoryPlacement placement : kPlacements) {
    Probe probe([&](const BoundCase& bound, std::string&) {
      for (size_t i = 0; i < kTensorCount; ++i) {
        EXPECT_EQ(bound.tensors[i].tensor != nullptr, c.tensors[i].has_value());
        if (!c.tensors[i]) continue;
        const auto& bytes = c.tensors[i]->bytes;
        EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(),
                               static_cast<const std::byte*>(bound.tensors[i].data)));
        // Plain inputs are not copied.
        EXPECT_EQ(bound.tensors[i].data == bytes.data(), placement == MemoryPlacement::kPlain);
      }
      EXPECT_TRUE(std::ranges::equal(bound.output_dims, OutputDims(c)));
      EXPECT_TRUE(std::ranges::equal(bound.present_dims, PresentDims(c)));
      EXPECT_EQ(bound.threads, 7);
      WriteAll(bound);
      return OutcomeKind::kOutput;
    });
    RunRequest request = Audited(placement);
    request.threads = 7;
    const Outcome outcome = probe.Run(c, request);
    EXPECT_EQ(outcome.kind, OutcomeKind::kOutput);
    EXPECT_TRUE(outcome.memory.clean()) << outcome.memory.detail;
    EXPECT_EQ(outcome.output.output.dims, OutputDims(c));
    EXPECT_EQ(outcome.output.output.as<float>()[0], 1.0F);
    ASSERT_TRUE(outcome.output.present);
    EXPECT_EQ(outcome.output.present->as<float>()[0], 2.0F);
  }
}

TEST(InProcessSubject, LendsNoPresentUnlessWanted) {
  Case c = SmallCase();
  c[TensorId::kPast].reset();
  c.want_present = false;
  Probe probe([](const BoundCase& bound, std::string&) {
    EXPECT_EQ(bound.present, nullptr);
    WriteAll(bound);
    return OutcomeKind::kOutput;
  });
  EXPECT_FALSE(probe.Run(c).output.present);
}

TEST(InProcessSubject, DoesNotRunWhatIsUnsupported) {
  Probe probe([](const BoundCase&, std::string&) {
    ADD_FAILURE();
    return OutcomeKind::kOutput;
  });
  Case c;
  c.op = Op::kQAttention;
  EXPECT_EQ(probe.Run(c).kind, OutcomeKind::kUnsupported);
}

TEST(InProcessSubject, PrefillsWithASignallingNan) {
  Probe probe([](const BoundCase& bound, std::string&) {
    EXPECT_EQ(std::bit_cast<uint32_t>(bound.output[0]), kUnwrittenBits);
    return OutcomeKind::kOutput;
  });
  const Outcome outcome = probe.Run(SmallCase());
  EXPECT_TRUE(std::isnan(outcome.output.output.as<float>()[0]));
}

TEST(MemoryAudit, CountsUnwrittenElements) {
  for (const MemoryPlacement placement : kPlacements) {
    Probe probe([](const BoundCase& bound, std::string&) {
      WriteAll(bound);
      bound.output[1] = std::bit_cast<float>(kUnwrittenBits);
      bound.present[0] = std::bit_cast<float>(kUnwrittenBits);
      return OutcomeKind::kOutput;
    });
    const MemoryReport report = probe.Run(SmallCase(), Audited(placement)).memory;
    EXPECT_EQ(report.unwritten, 2);
    EXPECT_EQ(report.detail, "output: element not written at offset 1");
  }
}

TEST(MemoryAudit, SeesWritesOnTheOpenSides) {
  const auto behind = [](const BoundCase& bound, std::string&) {
    bound.output[ElementCount(bound.output_dims)] = 0.0F;
    return OutcomeKind::kOutput;
  };
  const auto before = [](const BoundCase& bound, std::string&) {
    bound.present[-1] = 0.0F;
    return OutcomeKind::kOutput;
  };
  EXPECT_TRUE(ReportOf(behind, MemoryPlacement::kPlain).wrote_outside);
  EXPECT_TRUE(ReportOf(behind, MemoryPlacement::kGuardBefore).wrote_outside);
  EXPECT_TRUE(ReportOf(before, MemoryPlacement::kPlain).wrote_outside);
  EXPECT_TRUE(ReportOf(before, MemoryPlacement::kGuardAfter).wrote_outside);
  EXPECT_DEATH(ReportOf(behind, MemoryPlacement::kGuardAfter), "");
  EXPECT_DEATH(ReportOf(before, MemoryPlacement::kGuardBefore), "");
}

TEST(MemoryAudit, GuardsEveryInputToTheByte) {
  const Case c = SmallCase();
  for (size_t i = 0; i < kTensorCount; ++i) {
    if (!c.tensors[i]) continue;
    const auto size = static_cast<std::ptrdiff_t>(c.tensors[i]->bytes.size());
    for (const bool behind : {true, false}) {
      const auto read = [&](const BoundCase& bound, std::string&) {
        const volatile std::byte* data = static_cast<const std::byte*>(bound.tensors[i].data);
        static_cast<void>(data[behind ? size : -1]);
        return OutcomeKind::kOutput;
      };
      const MemoryPlacement placement =
          behind ? MemoryPlacement::kGuardAfter : MemoryPlacement::kGuardBefore;
      EXPECT_DEATH(ReportOf(read, placement), "") << TensorName(static_cast<TensorId>(i));
    }
  }
}

TEST(MemoryAudit, SeesChangedInputsAndPutsThemRight) {
  const Case c = SmallCase();
  const Case copy = c;
  for (const MemoryPlacement placement : kPlacements) {
    Probe probe([](const BoundCase& bound, std::string&) {
      WriteAll(bound);
      static_cast<float*>(bound[TensorId::kWeights].data)[1] += 1.0F;
      return OutcomeKind::kOutput;
    });
    const MemoryReport report = probe.Run(c, Audited(placement)).memory;
    EXPECT_TRUE(report.inputs_changed);
    EXPECT_EQ(report.detail.rfind("weights: input byte changed", 0), 0U) << report.detail;
    EXPECT_EQ(c, copy);
  }
}

TEST(MemoryAudit, SeesOutputsTouchedByARefusal) {
  for (const bool touches : {true, false}) {
    Probe probe([&](const BoundCase& bound, std::string& message) {
      if (touches) bound.present[2] = 0.0F;
      message = "no";
      return OutcomeKind::kRefused;
    });
    const Outcome outcome = probe.Run(SmallCase(), Audited(MemoryPlacement::kPlain));
    EXPECT_EQ(outcome.message, "no");
    EXPECT_EQ(outcome.memory.touched_on_refusal, touches);
    EXPECT_EQ(outcome.memory.unwritten, 0);
  }
}

TEST(MemoryAudit, RestoresTheFloatEnvironmentEvenUnasked) {
  const uint64_t before = ReadFloatControl();
  for (const bool audit : {true, false}) {
    Probe probe([](const BoundCase& bound, std::string&) {
      WriteAll(bound);
      WriteFloatControl(ReadFloatControl() | kFlushToZeroControl);
      return OutcomeKind::kOutput;
    });
    RunRequest request;
    request.audit = audit;
    const Outcome outcome = probe.Run(SmallCase(), request);
    EXPECT_EQ(outcome.memory.float_environment_changed, audit && kFlushToZeroControl != 0);
    EXPECT_EQ(ReadFloatControl(), before);
  }
}

// ---- the kernels
// ----------------------------------------------------------------------------------

class Kernels : public testing::TestWithParam<std::string> {};

TEST_P(Kernels, AgreeWithTheOracle) {
  ExpectAgreement(*MakeKernelsSubject(GetParam(), 1), kSeed, 1000);
}

TEST_P(Kernels, RefuseWhatIsNotValidAndTouchNothing) {
  const auto subject = MakeKernelsSubject(GetParam(), 1);
  GenerateOptions options;
  options.allow_faults = true;
  Rng rng(kSeed + 1);
  for (int i = 0; i < 1000; ++i) {
    const Recipe recipe = Generate(rng, options);
    const Case c = Expand(recipe);
    const ValidityVerdict verdict = JudgeValidity(c);
    const Outcome outcome = subject->Run(c, Audited(MemoryPlacement::kPlain));
    ASSERT_TRUE(outcome.memory.clean()) << outcome.memory.detail << '\n' << ToText(recipe);
    if (verdict.validity == Validity::kUnsupported) continue;
    const bool valid = verdict.validity == Validity::kValid;
    ASSERT_EQ(outcome.kind, valid ? OutcomeKind::kOutput : OutcomeKind::kRefused)
        << outcome.message << '\n'
        << verdict.reason << '\n'
        << ToText(recipe);
    ASSERT_EQ(outcome.message.empty(), valid) << ToText(recipe);
  }
}

std::vector<std::string> TargetNames() {
  std::vector<std::string> names;
  for (const kernels::Target& target : kernels::SupportedTargets()) names.emplace_back(target.name);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Targets, Kernels, testing::ValuesIn(TargetNames()),
                         [](const auto& instance) { return PrintableName(instance.param); });

TEST(KernelsSubject, NamesSayTargetAndThreads) {
  const std::string best(kernels::SupportedTargets().front().name);
  EXPECT_EQ(MakeKernelsSubject(best, 1)->name(), "kernels:" + best);
  EXPECT_EQ(MakeKernelsSubject(best, 2)->name(), "kernels:" + best + ",threads=2");
  EXPECT_EQ(MakeKernelsSubject(best, 2)->target(), best);
  const auto zero = MakeKernelsSubject(best, 2, FullyMasked::kZero);
  EXPECT_EQ(zero->name(), "kernels:" + best + ",threads=2,fully_masked=zero");
  std::string error;
  ASSERT_NE(MakeSubject(zero->name(), error), nullptr) << error;
  EXPECT_EQ(MakeSubject(zero->name(), error)->promises().fully_masked, FullyMasked::kZero);
  EXPECT_EQ(MakeSubject("planted:none,fully_masked=zero", error), nullptr);
  EXPECT_NE(error.find("fully_masked"), std::string::npos);
  EXPECT_EQ(MakeKernelsSubject("no such target", 1), nullptr);
  EXPECT_EQ(AllKernelsSubjects().size(), kernels::SupportedTargets().size() + 1);
}

TEST(KernelsSubject, CoreLayoutsGiveTheSameBits) {
  const auto subjects = AllKernelsSubjects();
  GenerateOptions options;
  options.op = Op::kCore;
  Rng rng(kSeed + 2);
  for (int i = 0; i < 200; ++i) {
    Case c = Expand(Generate(rng, options));
    std::vector<Outcome> outcomes;
    for (const CoreLayout layout :
         {CoreLayout::kHeadMajor, CoreLayout::kTokenMajor, CoreLayout::kPadded}) {
      c.attributes.core_layout = layout;
      outcomes.push_back(subjects.front()->Run(c, Audited(MemoryPlacement::kPlain)));
      ASSERT_EQ(outcomes.back().kind, OutcomeKind::kOutput) << outcomes.back().message;
      ASSERT_TRUE(outcomes.back().memory.clean()) << outcomes.back().memory.detail;
      ASSERT_EQ(outcomes.back().output.output, outcomes.front().output.output);
    }
  }
}

TEST(KernelsSubject, NamesTheTensorOfTheWrongType) {
  const auto subjects = AllKernelsSubjects();
  Case c = SmallCase();
  c[TensorId::kWeights]->type = ElementType::kInt32;
  const Outcome outcome = subjects.front()->Run(c, Audited(MemoryPlacement::kPlain));
  EXPECT_EQ(outcome.kind, OutcomeKind::kRefused);
  EXPECT_EQ(outcome.message, "weights: expected float32, got int32");
}

// Asks for `asked` bytes, has `use(first byte lent)`, and gives what TakeBack says.
std::optional<int64_t> AfterUse(size_t asked, size_t spare,
                                const std::function<void(std::byte*)>& use) {
  OwnWorkspace workspace;
  kernels::Execution execution;
  const kernels::Status status =
      workspace.Lend(execution, spare, [&](const kernels::Execution&, size_t& bytes) {
        bytes = asked;
        return kernels::Status();
      });
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(workspace.asked(), asked);
  EXPECT_EQ(execution.workspace_size, asked + spare);
  use(static_cast<std::byte*>(execution.workspace));
  return workspace.TakeBack();
}

TEST(OwnWorkspace, SeesWhatIsWrittenNextToIt) {
  for (const size_t spare : {size_t{0}, size_t{5}}) {
    const size_t size = 130 + spare;
    EXPECT_FALSE(AfterUse(130, spare, [&](std::byte* lent) { std::memset(lent, 0, size); }));
    EXPECT_EQ(AfterUse(130, spare, [](std::byte* lent) { lent[-1] = {}; }), -1);
    EXPECT_EQ(AfterUse(130, spare, [](std::byte* lent) { lent[-100] = {}; }), -100);
    EXPECT_EQ(AfterUse(130, spare, [&](std::byte* lent) { lent[size] = {}; }),
              static_cast<int64_t>(size));
    EXPECT_DEATH(AfterUse(130, spare, [](std::byte* lent) { lent[192] = {}; }), "");
  }
}

TEST(LoneWorker, IsEveryWorkerOnceAndBeginsWithItsOwn) {
  using Order = KernelsWay::Order;
  const auto order_of = [](Order order, size_t count) {
    LoneWorker worker(5, {.worker = 7, .order = order});
    EXPECT_EQ(worker.Concurrency(), 5U);
    std::vector<size_t> tasks;
    const auto note = [](void* context, size_t index) {
      static_cast<std::vector<size_t>*>(context)->push_back(index);
    };
    worker.Run(count, note, &tasks);
    return tasks;
  };
  EXPECT_EQ(order_of(Order::kAscending, 3), (std::vector<size_t>{1, 2, 0}));
  EXPECT_EQ(order_of(Order::kDescending, 3), (std::vector<size_t>{1, 0, 2}));
  EXPECT_EQ(order_of(Order::kScattered, 8), (std::vector<size_t>{7, 4, 1, 6, 3, 0, 5, 2}));
  for (const Order order : {Order::kAscending, Order::kDescending, Order::kScattered}) {
    for (size_t count = 0; count < 100; ++count) {
      std::vector<size_t> tasks = order_of(order, count);
      ASSERT_EQ(tasks.size(), count);
      if (count > 0) {
        EXPECT_EQ(tasks.front(), 7 % count);
      }
      std::ranges::sort(tasks);
      for (size_t i = 0; i < count; ++i) ASSERT_EQ(tasks[i], i);
    }
  }
}

// Else the memory of late workers is not used, whatever the suite says.
TEST(KernelsWay, ManyWorkersHaveTheirTurnAndTheLastOnesToo) {
  size_t most = 0;
  int turns = 0;
  Case c;
  for (c.salt = 0; c.salt < 3000; ++c.salt) {
    const KernelsWay way = WayOf(c);
    EXPECT_LT(way.worker, std::max<size_t>(way.workers, 1));
    turns += way.workers > 0 ? 1 : 0;
    most = std::max(most, way.worker);
  }
  EXPECT_GT(turns, 600);
  EXPECT_GT(most, 48U);
}

}  // namespace
}  // namespace maskproof
