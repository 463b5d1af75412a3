// The layouts in which the kernels get the tensors of a Core case.
#include "properties/subjects/core_arrangement.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <set>

#include "properties/base/rng.h"
#include "properties/recipe/recipe.h"
#include "properties/subjects/kernels_ways.h"
#include "properties/subjects/laid_out_inputs.h"
#include "properties/subjects/laid_out_output.h"
#include "properties/subjects/placed_output.h"
#include "properties/subjects/subject.h"

namespace maskproof {
namespace {

constexpr uint64_t kSeed = 14363;

Tensor Numbers(const Dims& dims, float first, float step) {
  Tensor tensor;
  tensor.type = ElementType::kFloat32;
  tensor.dims = dims;
  tensor.bytes.resize(static_cast<size_t>(ElementCount(dims)) * sizeof(float));
  for (float& number : tensor.as<float>()) {
    number = first;
    first += step;
  }
  return tensor;
}

// B=2, N=3, S=T=4, H=Hv=16: whole vectors, which kernels read where they stand.
Case CoreCase() {
  Case c;
  c.op = Op::kCore;
  const Dims dims{2, 3, 4, 16};
  c[TensorId::kQuery] = Numbers(dims, -0.5F, 0.003F);
  c[TensorId::kKey] = Numbers(dims, 0.75F, -0.004F);
  c[TensorId::kValue] = Numbers(dims, 1.0F, 0.5F);
  return c;
}

// Makes index 0 of an axis stand for all.
void Repeat(Tensor& tensor, size_t axis) {
  const auto& d = tensor.dims;
  const auto numbers = tensor.as<float>();
  const auto at = [&](std::array<int64_t, 3> i, int64_t c) -> float& {
    return numbers[static_cast<size_t>(((i[0] * d[1] + i[1]) * d[2] + i[2]) * d[3] + c)];
  };
  for (int64_t b = 0; b < d[0]; ++b) {
    for (int64_t n = 0; n < d[1]; ++n) {
      for (int64_t r = 0; r < d[2]; ++r) {
        for (int64_t c = 0; c < d[3]; ++c) {
          std::array<int64_t, 3> first{b, n, r};
          first[axis] = 0;
          at({b, n, r}, c) = at(first, c);
        }
      }
    }
  }
}

// A case as an in-process subject gets it.
struct Bound {
  Bound(Case& c, MemoryPlacement placement) : dims(OutputDims(c)) {
    bound.c = &c;
    for (size_t i = 0; i < kTensorCount; ++i) {
      if (!c.tensors[i]) continue;
      bound.tensors[i] = {.data = c.tensors[i]->bytes.data(), .tensor = &*c.tensors[i]};
    }
    RunRequest request;
    request.audit = true;
    EXPECT_TRUE(output.Place(dims, request, arena));
    bound.output = output.data();
    bound.output_dims = dims;
    bound.placement = placement;
    bound.report = &report;
  }

  Dims dims;
  MemoryArena arena;
  PlacedOutput output;
  MemoryReport report;
  BoundCase bound;
};

constexpr MemoryPlacement kPlacements[] = {MemoryPlacement::kPlain, MemoryPlacement::kGuardAfter,
                                           MemoryPlacement::kGuardBefore,
                                           MemoryPlacement::kUnaligned};

KernelsWay DrawnWay(uint64_t seed) {
  KernelsWay way;
  way.own_layouts = seed % 2 == 0;
  way.shares_memory = seed % 3 != 0;
  way.arrangement = MixSeeds(seed, kSeed);
  return way;
}

TEST(CoreArrangement, EveryRowIsWhereItsStridesSay) {
  for (uint64_t seed = 0; seed < 600; ++seed) {
    Case c = CoreCase();
    if (seed % 5 == 1) Repeat(*c[TensorId::kKey], seed % 3);
    if (seed % 5 == 2) c[TensorId::kValue] = Numbers(c[TensorId::kValue]->dims, 2.0F, 0.0F);
    if (seed % 5 == 3) c[TensorId::kValue] = c[TensorId::kKey];
    c.attributes.core_layout = static_cast<CoreLayout>(seed % 3);
    Bound b(c, kPlacements[seed % 3]);
    const CoreArrangement arrangement = Arrange(b.bound, DrawnWay(seed));
    LaidOutInputs inputs(b.bound, arrangement);
    ASSERT_TRUE(inputs.ok());
    for (size_t i = 0; i < kCoreInputs.size(); ++i) {
      const Tensor& tensor = *c[kCoreInputs[i]];
      const auto view = inputs.View(i);
      const float* dense = tensor.as<float>().data();
      for (int64_t batch = 0; batch < tensor.dims[0]; ++batch) {
        for (int64_t head = 0; head < tensor.dims[1]; ++head) {
          for (int64_t row = 0; row < tensor.dims[2]; ++row, dense += tensor.dims[3]) {
            ASSERT_TRUE(std::equal(dense, dense + tensor.dims[3], view.Row(batch, head, row)))
                << seed << ' ' << i;
          }
        }
      }
    }
    inputs.Check(b.report);
    EXPECT_TRUE(b.report.clean()) << b.report.detail;
  }
}

TEST(CoreArrangement, OutputsComeBackAndWhatIsWrittenElsewhereIsSeen) {
  for (uint64_t seed = 0; seed < 600; ++seed) {
    Case c = CoreCase();
    c.attributes.core_layout = static_cast<CoreLayout>(seed % 3);
    Bound b(c, kPlacements[seed % 3]);
    const StridedLayout layout = Arrange(b.bound, DrawnWay(seed)).output;
    LaidOutOutput output(b.bound, layout);
    ASSERT_TRUE(output.ok());
    EXPECT_TRUE(output.IsUnwritten());
    const auto view = output.View();
    std::set<const float*> written;
    for (int64_t batch = 0; batch < b.dims[0]; ++batch) {
      for (int64_t head = 0; head < b.dims[1]; ++head) {
        for (int64_t row = 0; row < b.dims[2]; ++row) {
          for (int64_t column = 0; column < b.dims[3]; ++column) {
            float* const to = view.Row(batch, head, row) + column;
            *to = static_cast<float>(written.size());
            written.insert(to);
          }
        }
      }
    }
    const auto count = static_cast<size_t>(ElementCount(b.dims));
    EXPECT_EQ(written.size(), count);
    EXPECT_FALSE(output.IsUnwritten());
    output.Deliver();
    EXPECT_TRUE(b.report.clean()) << b.report.detail;
    for (size_t i = 0; i < count; ++i) ASSERT_EQ(b.output.data()[i], static_cast<float>(i));
  }
}

// In the padded layout: the elements from the first row's first one to the last row's last one.
constexpr int64_t kPaddedExtent = (2 * 3 * 4 - 1) * 19 + 16;

MemoryReport AfterWriteAt(int64_t element, MemoryPlacement placement) {
  Case c = CoreCase();
  c.attributes.core_layout = CoreLayout::kPadded;
  Bound b(c, placement);
  const StridedLayout layout = Arrange(b.bound, {}).output;
  EXPECT_EQ(layout.Extent(), kPaddedExtent);
  LaidOutOutput output(b.bound, layout);
  output.View().data[element] = 1.0F;
  output.Deliver();
  return b.report;
}

TEST(LaidOutOutput, SeesWritesBetweenRowsAndOutsideOfThem) {
  for (const MemoryPlacement placement : kPlacements) {
    EXPECT_TRUE(AfterWriteAt(0, placement).clean());
    EXPECT_TRUE(AfterWriteAt(17, placement).wrote_outside);
    const auto write_behind = [=] { return AfterWriteAt(kPaddedExtent, placement); };
    const auto write_before = [=] { return AfterWriteAt(-1, placement); };
    if (placement == MemoryPlacement::kGuardAfter) {
      EXPECT_DEATH(write_behind(), "");
    } else {
      EXPECT_TRUE(write_behind().wrote_outside);
    }
    if (placement == MemoryPlacement::kGuardBefore) {
      EXPECT_DEATH(write_before(), "");
    } else {
      EXPECT_TRUE(write_before().wrote_outside);
    }
  }
}

// Copies of inputs, in a padded layout: reads outside of them trap, and writes are seen.
TEST(LaidOutInputs, AreGuardedAndCompared) {
  for (const MemoryPlacement placement : kPlacements) {
    Case c = CoreCase();
    c.attributes.core_layout = CoreLayout::kPadded;
    Bound b(c, placement);
    const CoreArrangement arrangement = Arrange(b.bound, {});
    LaidOutInputs inputs(b.bound, arrangement);
    for (size_t i = 0; i < kCoreInputs.size(); ++i) {
      const volatile float* const data = inputs.View(i).data;
      if (placement == MemoryPlacement::kGuardAfter) {
        EXPECT_DEATH(static_cast<void>(data[kPaddedExtent]), "");
      }
      if (placement == MemoryPlacement::kGuardBefore) {
        EXPECT_DEATH(static_cast<void>(data[-1]), "");
      }
      for (const int64_t element : {int64_t{20}, int64_t{16}}) {
        auto& number = const_cast<float&>(inputs.View(i).data[element]);
        const float was = number;
        number = 99.0F;
        MemoryReport report;
        inputs.Check(report);
        EXPECT_TRUE(report.inputs_changed);
        number = was;
      }
    }
  }
}

// ---- what the kernels make of it ----------------------------------------------------------------

// Runs the case in the ways of many salts, all targets: the bits must be those of any other way.
void ExpectSameBits(const Case& c, uint64_t salts = 40) {
  for (const auto& subject : AllKernelsSubjects()) {
    std::optional<Output> first;
    Case salted = c;
    for (salted.salt = 0; salted.salt < salts; ++salted.salt) {
      RunRequest request;
      request.placement = kPlacements[salted.salt % 3];
      request.audit = true;
      Outcome outcome = subject->Run(salted, request);
      ASSERT_EQ(outcome.kind, OutcomeKind::kOutput) << subject->name() << ": " << outcome.message;
      ASSERT_TRUE(outcome.memory.clean()) << subject->name() << ": " << outcome.memory.detail;
      if (!first) first = outcome.output;
      ASSERT_EQ(outcome.output, *first) << subject->name() << ", salt " << salted.salt;
    }
  }
}

TEST(CoreArrangement, HeadsThatShareKeysAndValuesGiveTheSameBits) {
  Case c = CoreCase();
  for (const size_t axis : {kHeadAxis, kBatchAxis}) {
    Repeat(*c[TensorId::kKey], axis);
    Repeat(*c[TensorId::kValue], axis);
    ExpectSameBits(c);
  }
}

TEST(CoreArrangement, RowsThatShareMemoryGiveTheSameBits) {
  for (const TensorId id : kCoreInputs) {
    Case c = CoreCase();
    Repeat(*c[id], kRowAxis);
    ExpectSameBits(c);
    c[id] = Numbers(c[id]->dims, 0.25F, 0.0F);
    ExpectSameBits(c);
  }
}

TEST(CoreArrangement, OneTensorAsQueryKeyAndValueGivesTheSameBits) {
  Case c = CoreCase();
  c[TensorId::kKey] = c[TensorId::kQuery];
  c[TensorId::kValue] = c[TensorId::kQuery];
  ExpectSameBits(c);
}

// Cases are hardly ever drawn with equal heads and unequal rows, or with equal tensors.
TEST(CoreArrangement, GeneratedCasesThatShareGiveTheSameBits) {
  constexpr uint64_t kSalts = 6;
  GenerateOptions options;
  options.op = Op::kCore;
  Rng rng(kSeed);
  for (int i = 0; i < 200; ++i) {
    const Recipe recipe = Generate(rng, options);
    Case c = Expand(recipe);
    Tensor& key = *c[TensorId::kKey];
    Tensor& value = *c[TensorId::kValue];
    if (c[TensorId::kQuery]->dims == key.dims && rng.OneIn(2)) key = *c[TensorId::kQuery];
    if (rng.OneIn(2)) Repeat(key, rng.Below(kAxisCount));
    if (key.dims == value.dims && rng.OneIn(2)) value = key;
    if (rng.OneIn(2)) Repeat(value, rng.Below(kAxisCount));
    ExpectSameBits(c, kSalts);
    ASSERT_FALSE(HasFatalFailure()) << ToText(recipe);
  }
}

TEST(CoreArrangement, OwnLayoutsGiveTheSameBits) {
  Case c = CoreCase();
  ExpectSameBits(c);
  // As many columns as are no whole vectors, fewer queries than keys, other columns of values.
  c[TensorId::kQuery] = Numbers({2, 3, 2, 5}, -0.5F, 0.013F);
  c[TensorId::kKey] = Numbers({2, 3, 7, 5}, 0.75F, -0.004F);
  c[TensorId::kValue] = Numbers({2, 3, 7, 9}, 1.0F, 0.5F);
  ExpectSameBits(c);
}

// Else nothing of this is tried, whatever the suite says.
TEST(CoreArrangement, EachKindComesUp) {
  int packed = 0;
  int aliased = 0;
  int shared = 0;
  int turned = 0;
  for (uint64_t seed = 0; seed < 300; ++seed) {
    Case c = CoreCase();
    Repeat(*c[TensorId::kKey], kHeadAxis);
    c[TensorId::kValue] = c[TensorId::kKey];
    Bound b(c, MemoryPlacement::kPlain);
    c.salt = seed;
    const KernelsWay way = WayOf(c);
    const CoreArrangement arrangement = Arrange(b.bound, way);
    const auto& [query, key, value] = arrangement.places;
    packed += query.memory == value.memory ? 1 : 0;
    aliased += way.shares_memory && key.memory == value.memory ? 1 : 0;
    shared += key.layout.strides[kHeadAxis] == 0 ? 1 : 0;
    turned += arrangement.output.strides[kRowAxis] < 0 ? 1 : 0;
  }
  EXPECT_GT(packed, 10);
  EXPECT_GT(aliased, 100);
  EXPECT_GT(shared, 60);
  EXPECT_GT(turned, 20);
}

}  // namespace
}  // namespace maskproof
